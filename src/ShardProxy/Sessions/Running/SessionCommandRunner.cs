using System.Text;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>DISCARD, and the functions with which tables are declared.</summary>
public sealed class SessionCommandRunner
{
    // pg_type: void, a pseudo-type of four bytes whose text is empty.
    internal const uint VoidType = 2278;

    private readonly Session _session;

    public SessionCommandRunner(Session session) => _session = session;

    public async ValueTask<bool> DiscardAsync(DiscardPlan plan)
    {
        if (plan.What == DiscardWhat.All && _session.Transaction.IsOpen)
            throw new SqlErrorException(SqlStates.ActiveSqlTransaction, "DISCARD ALL cannot run inside a transaction block");
        var verb = $"DISCARD {plan.What.ToString().ToUpperInvariant()}";
        if (plan.What is DiscardWhat.All or DiscardWhat.Sequences)
            _session.Sequences.Clear();
        if (plan.What == DiscardWhat.All)
        {
            _session.Settings = SettingsState.Empty with { Session = _session.StartupSettings };
            _session.Hint = SessionHint.None;
            _session.Prepared.ClearStatements();
            _session.Prepared.ClearPortals();
            _session.Cursors.Clear();
            _session.Temporaries.Clear();
            for (var shard = 0; shard < _session.Database.ShardCount; shard++)
                _session.Servers.Unpin(shard);
            if (_session.KeepsServers)
                await RunOnHeldAsync(verb);
        }
        else
        {
            await RunOnHeldAsync(verb);
            if (plan.What == DiscardWhat.Temp)
                _session.Temporaries.Clear();
        }
        _session.WriteTag(Encoding.ASCII.GetBytes(verb));
        if (plan.What == DiscardWhat.All)
            _session.ReportParameters();
        return true;
    }

    public async ValueTask<bool> DistributeAsync(DistributePlan plan)
    {
        RefuseInBlock("a table cannot be distributed inside a transaction block");
        await _session.Database.Control.DistributeAsync(plan, _session.Planning().Context.SearchPath, _session.Planning().Context.User);
        var name = plan.Reference ? "create_reference_table" : "create_distributed_table";
        return AnswerVoid(name);
    }

    /// <summary>add_shard_range and its kin.</summary>
    public async ValueTask<bool> ChangePlacementAsync(PlacementPlan plan)
    {
        RefuseInBlock("ranges and lists cannot be changed inside a transaction block");
        await _session.Database.Control.ChangePlacementAsync(plan, _session.Planning().Context.SearchPath, _session.Planning().Context.User);
        return AnswerVoid(plan.FunctionName);
    }

    public async ValueTask<bool> MoveKeyAsync(MoveKeyPlan plan)
    {
        RefuseInBlock("a key cannot be moved inside a transaction block");
        await _session.Database.Control.MoveKeyAsync(plan, _session.Planning().Context.SearchPath, _session.Planning().Context.User);
        return AnswerVoid("move_shard_key");
    }

    public async ValueTask<bool> AddShardAsync(AddShardPlan plan)
    {
        RefuseInBlock("a shard cannot be added inside a transaction block");
        await _session.Database.Control.AddShardAsync(plan, _session.Planning().Context.User);
        return AnswerVoid("add_shard");
    }

    private void RefuseInBlock(string reason)
    {
        if (_session.Transaction is { IsOpen: true, IsImplicit: false })
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                reason,
                "Commit first: the directory changes at once and for all clients.");
        }
    }

    private bool AnswerVoid(string function)
    {
        if (!_session.Relay.DropsRowDescription)
            RowDescriptionMessage.Write(_session.Client.Output, new FieldDescription(function, VoidType, 4));
        DataRowMessage.Write(_session.Client.Output, "");
        _session.WriteTag("SELECT 1"u8);
        return true;
    }

    private async ValueTask RunOnHeldAsync(string verb)
    {
        for (var shard = 0; shard < _session.Database.ShardCount; shard++)
        {
            if (_session.Servers.Held(shard) is not { } server)
                continue;
            server.SendQuery(verb, Disposition.Swallow);
            await _session.DrainAsync(server);
            if (_session.Relay.SwallowedError is { } error)
                throw new SqlErrorException(error);
            if (verb == "DISCARD ALL")
            {
                server.Applied = Pooling.SettingsSet.Empty;
                server.Prepared.Clear();
            }
        }
    }
}
