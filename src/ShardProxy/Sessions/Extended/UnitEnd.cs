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

    public UnitEnd(Session session, StatementRunner runner)
    {
        _session = session;
        _runner = runner;
    }

    /// <returns>False when the Sync fell into a COPY's data, where servers ignore it: the unit goes on until the next.</returns>
    public async ValueTask<bool> RunAsync(bool failed, int writer)
    {
        foreach (var server in InOrder(writer))
        {
            try
            {
                if (failed && !server.Ledger.IsSkipping && !_session.Transaction.IsOpen)
                {
                    await RollBackAsync(server);
                }
                else if (!await SyncAsync(server))
                {
                    return false;
                }
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
        return true;
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

    private List<ServerConnection> InOrder(int writer)
    {
        var servers = new List<ServerConnection>();
        foreach (var server in _session.Servers.All)
        {
            if (server is { NeedsSync: true } && server.Shard != writer)
                servers.Add(server);
        }
        if (writer >= 0 && _session.Servers.Held(writer) is { NeedsSync: true } last)
            servers.Add(last);
        return servers;
    }
}
