using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>
/// The client's Sync: each server that took part in the unit is synced, which commits what is implicit there, or is rolled
/// back when the unit failed elsewhere. Readers first and the writer last, so that an error can still undo everything.
/// </summary>
internal sealed class UnitEnd
{
    private readonly Session _session;
    private readonly StatementRunner _runner;
    private readonly ExtendedUnit _unit;

    public UnitEnd(Session session, StatementRunner runner, ExtendedUnit unit)
    {
        _session = session;
        _runner = runner;
        _unit = unit;
    }

    /// <param name="failed">An error was told, so everything is undone.</param>
    public async ValueTask<UnitOutcome> RunAsync(bool failed)
    {
        foreach (var server in InOrder())
        {
            try
            {
                if (failed && !server.Ledger.IsSkipping && !_session.Transaction.IsOpen)
                    await RollBackAsync(server);
                else if (!await SyncAsync(server))
                    return UnitOutcome.GoesOn;
                failed |= _session.Relay.ErrorSeen;
            }
            catch (ServerLostException lost)
            {
                var error = ServerLoss.Handle(_session, lost);
                if (!failed)
                    _runner.Fail(error);
                failed = true;
            }
        }
        return failed ? UnitOutcome.Failed : UnitOutcome.Succeeded;
    }

    private async ValueTask<bool> SyncAsync(ServerConnection server)
    {
        server.SendSync(Disposition.Forward);
        _session.StartRelay(server);
        _session.Relay.KeepsRowTypes = true;
        _session.StartQueryClock();
        var slow = _session.Database.Slow;
        var start = slow.Start();
        while (await _session.PumpAsync(server) == RelayStatus.CopyIn)
            await _runner.CopyInput.RelayAsync(server);
        _session.StopClock();
        // In a pipeline it is the unit that was slow; its last statement stands for it.
        if (slow.IsSlow(start) && _session.LastExecuted is { } portal)
            slow.Report(_session, start, portal.Planned.Verb, server.Shard, portal.Statement.Text.Sql);
        _session.LastExecuted = null;
        if (_session.Relay.ReadyCount == 0)
        {
            server.NeedsSync = true;
            return false;
        }
        if (_session.Relay.ErrorSeen)
            server.UnnamedOwner = null;
        Aftermath.FollowServer(_session, server);
        return true;
    }

    // In PostgreSQL ROLLBACK undoes an implicit transaction too, with a warning that nobody needs to see.
    private async ValueTask RollBackAsync(ServerConnection server)
    {
        server.SendQuery("ROLLBACK"u8, Disposition.Swallow);
        await _session.DrainAsync(server);
        server.NeedsSync = false;
    }

    private List<ServerConnection> InOrder()
    {
        var servers = _unit.WaitingForSync();
        if (servers.Find(server => server.Shard == _unit.Writer) is { } writer && servers.Remove(writer))
            servers.Add(writer);
        return servers;
    }
}
