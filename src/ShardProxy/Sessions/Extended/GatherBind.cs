using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running.Gathering;

namespace ShardProxy.Sessions.Extended;

/// <summary>Bind of a gather: the rows are brought together, and from there on it is a portal of the shard where they are, like any other.</summary>
internal sealed class GatherBind(Session session, GatherRunner gathers, ExtendedUnit unit, UnitBlock block)
{
    public async ValueTask<ClientPortal> BindAsync(ClientStatement statement, PlannedStatement planned, GatherPlan plan, ReadOnlyMemory<byte> body)
    {
        // The client's own Parse is checked where its error belongs.
        await unit.ResolveParseAsync();
        await unit.SettleAsync();
        if (unit.IsSkipping)
            throw new UnitSkippedException();
        if (!session.Transaction.IsOpen)
            await OpenAsync(planned);
        // A portal in a client's block may stay as long as the block, and a connection of the gather server is not to be kept so long.
        if (!session.Transaction.IsImplicit)
            plan = plan with { Beside = null };
        var run = await gathers.LoadAsync(plan, planned, statement.Text.Sql, statement.Text.ParameterTypes, body);
        var server = await unit.UseAsync(run.Shard);
        ExtendedUnit.WriteUnnamed(server, run.Text(), statement.Text.ParameterTypes, Disposition.Swallow);
        return Bind(statement, planned, server, run, body);
    }

    // Nothing before it: a block of its own kind. Else the one that makes a transaction of all.
    private async ValueTask OpenAsync(PlannedStatement planned)
    {
        if (session.Prepared.PortalCount > 0 || unit.HasExecuted)
        {
            await block.OpenAsync();
            return;
        }
        foreach (var server in unit.WaitingForSync())
        {
            server.SendSync(Disposition.Forward);
            await session.DrainAsync(server);
        }
        unit.Leave();
        session.Transaction.BeginImplicit(session.Settings, gathers.BeginText(planned));
    }

    private ClientPortal Bind(ClientStatement statement, PlannedStatement planned, ServerConnection server, GatherRun run, ReadOnlyMemory<byte> body)
    {
        BindMessage.TryRead(body.Span, out var bind);
        BindMessage.WriteRenamed(server.Channel.Output, bind, bind.Portal, []);
        server.Ledger.Expect(ReplyKind.Bind, Disposition.Forward);
        return new ClientPortal(statement, planned, server)
        {
            ResultFormats = LocalDescription.FormatsOf(bind),
            Description = run.Description,
            Savepoint = session.Transaction.SavepointsMade,
        };
    }
}
