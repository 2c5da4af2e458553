using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>Executes portals that stand on a server, and does what their statements leave to be done.</summary>
internal sealed class ServerPortals(Session session, StatementRunner runner, ExtendedUnit unit, UnitBlock block)
{
    // In an implicit transaction the catalog has changed only once Sync has committed.
    private readonly List<(ServerConnection Server, PlannedStatement Planned)> _aftermath = [];

    public async ValueTask ExecuteAsync(ClientPortal portal, ServerConnection server, byte[] name, int maxRows)
    {
        if (server.State != ServerState.Leased || !ReferenceEquals(session.Servers.Held(server.Shard), server))
            throw ExtendedNames.NoPortal(name);
        if (portal.Planned.Plan is SettingPlan || (portal.Planned.Traits & Traits.OnlyInTransaction) != 0)
            await block.PrepareAsync(portal.Planned);
        // Rows to be translated are taken by themselves, so that no other portal's are mistaken for them.
        if (portal.RowTypes is not null)
            await unit.SettleAsync();
        if (unit.IsSkipping)
            return;
        await unit.UseAsync(server.Shard);
        ExecuteMessage.Write(server.Channel.Output, name, maxRows);
        session.LastExecuted = portal;
        server.Ledger.Expect(ReplyKind.Execute, Disposition.Forward);
        if (portal.RowTypes is not null)
            await unit.SettleAsync(portal.RowTypes);
        if (unit.IsSkipping)
            return;
        block.NoteExecuted(portal.Planned);
        if (portal.Planned.Plan is SettingPlan || portal.Planned.Traits != Traits.None)
            await FollowAsync(server, portal);
    }

    /// <summary>The unit has committed.</summary>
    public async ValueTask ApplyAsync()
    {
        foreach (var (server, planned) in _aftermath)
            await Aftermath.ApplyAsync(session, server, planned, failed: false);
    }

    public void Reset() => _aftermath.Clear();

    // What must be known before the next message: pins, taints, settings. The reply is waited for.
    private async ValueTask FollowAsync(ServerConnection server, ClientPortal portal)
    {
        var traits = portal.Planned.Traits;
        if ((traits & Traits.Taints) != 0)
            server.IsTainted = true;
        const Traits NeedReply = Traits.Pins | Traits.Unpins | Traits.ChangesCatalog | Traits.CreatesTemporary;
        if ((traits & NeedReply) == 0 && portal.Planned.Plan is not SettingPlan)
            return;
        await unit.SettleAsync();
        if (unit.IsSkipping)
            return;
        if (portal.Planned.Plan is SettingPlan setting)
            await runner.Settings.RememberFunctionAsync(setting, server);
        else if ((traits & (Traits.ChangesCatalog | Traits.CreatesTemporary)) != 0 && !session.Transaction.IsOpen)
            _aftermath.Add((server, portal.Planned));
        else
            await Aftermath.ApplyAsync(session, server, portal.Planned, failed: false);
    }
}
