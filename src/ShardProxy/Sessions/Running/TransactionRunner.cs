using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// BEGIN, COMMIT, savepoints. BEGIN is answered here; the others go to the shards that have joined, and are answered here
/// when none has. How COMMIT goes is <see cref="BlockCommit"/>'s.
/// </summary>
public sealed class TransactionRunner
{
    private readonly Session _session;
    private readonly BlockCommit _commit;

    public TransactionRunner(Session session)
    {
        _session = session;
        _commit = new BlockCommit(session, this);
    }

    private SessionTransaction Transaction => _session.Transaction;

    public ValueTask<bool> RunAsync(TransactionPlan plan, StatementText text) => plan.Verb switch
    {
        TransactionVerb.Begin => BeginAsync(plan, text),
        TransactionVerb.Commit => CommitAsync(plan.Chain, implicitly: false),
        TransactionVerb.Rollback => RollbackAsync(plan.Chain, implicitly: false),
        TransactionVerb.Savepoint or TransactionVerb.Release or TransactionVerb.RollbackTo => SavepointAsync(plan, text),
        TransactionVerb.PrepareTransaction => PrepareTransactionAsync(plan, text),
        _ => FinishPreparedAsync(plan, text),
    };

    private async ValueTask<bool> BeginAsync(TransactionPlan plan, StatementText text)
    {
        if (Transaction.IsOpen && !Transaction.IsImplicit)
            return await BeginAgainAsync(text);
        if (Transaction.IsOpen)
        {
            // The shards of the implicit block have begun already.
            if (plan.Characteristics is { } characteristics)
                await RunInBlockAsync(System.Text.Encoding.ASCII.GetBytes(characteristics));
            Transaction.MakeExplicit();
        }
        else
        {
            Transaction.Begin(text.Bytes, _session.Settings, plan.SaysReadOnly);
        }
        WriteBeginTag(text);
        return true;
    }

    // Without a word to the client unless it fails; shards that join later hear it too.
    private async ValueTask RunInBlockAsync(byte[] sql)
    {
        foreach (var server in _session.Servers.Joined())
        {
            server.SendQuery(sql, Disposition.Swallow);
            await _session.DrainAsync(server);
            if (_session.Relay.SwallowedError is { } error)
                throw new SqlErrorException(error);
        }
        Transaction.Append(sql, _session.Settings);
    }

    // PostgreSQL warns, and still sets the block's characteristics if the statement names any.
    private async ValueTask<bool> BeginAgainAsync(StatementText text)
    {
        if (_session.Servers.JoinedCount == 0)
        {
            _session.WriteNotice("WARNING", SqlStates.ActiveSqlTransaction, "there is already a transaction in progress");
            WriteBeginTag(text);
        }
        else if (!await RunOnJoinedAsync(text))
        {
            return false;
        }
        Transaction.Append(text.Bytes.ToArray(), _session.Settings);
        return true;
    }

    private void WriteBeginTag(StatementText text) =>
        _session.WriteTag(text.Bytes.Length > 5 && (text.Bytes[0] | 0x20) == 's' ? "START TRANSACTION"u8 : "BEGIN"u8);

    /// <param name="implicitly">The end of an implicit block: nothing is said about success.</param>
    public async ValueTask<bool> CommitAsync(bool chain, bool implicitly)
    {
        if (Transaction.Status == TransactionStatus.Failed)
            return await RollbackAsync(chain, implicitly);
        if (!implicitly && !IsInBlock("COMMIT", chain))
            return true;
        var (begin, saysReadOnly) = (Transaction.BeginText, Transaction.SaysReadOnly);
        var joined = _session.Servers.Joined();
        // COMMIT of a block that has failed on one shard would be its rollback there and a commit elsewhere.
        if (joined.Exists(static server => server.TransactionStatus == (byte)TransactionStatus.Failed))
        {
            await RollbackAsync(chain, implicitly);
            return !implicitly
                ? true
                : throw new SqlErrorException(SqlStates.InFailedSqlTransaction, "the statement has failed on a shard; it was undone on all");
        }
        if (await _commit.RunAsync(joined) is { } error)
        {
            RestoreSettings();
            error.WriteError(_session.Client.Output);
            return false;
        }
        var changedCatalog = Transaction.ChangedCatalog;
        _session.Settings = _session.Settings.WithoutLocal;
        _session.Servers.BlockEnded(_session.Settings, committed: true);
        EndBlock(committed: true);
        if (changedCatalog)
            await _session.Database.Control.RefreshCatalogAsync();
        if (!implicitly)
            _session.WriteTag("COMMIT"u8);
        if (chain)
            Transaction.Begin(begin, _session.Settings, saysReadOnly);
        return true;
    }

    /// <summary>The end of a text or of a pipeline, if it made an implicit block.</summary>
    public async ValueTask EndImplicitAsync(bool succeeded)
    {
        if (!Transaction.IsImplicit)
            return;
        try
        {
            if (succeeded)
                await CommitAsync(chain: false, implicitly: true);
            else
                await RollbackAsync(chain: false, implicitly: true);
        }
        catch (SqlErrorException exception)
        {
            exception.Error.WriteError(_session.Client.Output);
        }
    }

    public async ValueTask<bool> RollbackAsync(bool chain, bool implicitly)
    {
        if (!implicitly && !IsInBlock("ROLLBACK", chain))
            return true;
        var (begin, saysReadOnly) = (Transaction.BeginText, Transaction.SaysReadOnly);
        await RollBackServersAsync(_session.Servers.Joined());
        RestoreSettings();
        if (!implicitly)
            _session.WriteTag("ROLLBACK"u8);
        if (chain)
            Transaction.Begin(begin, _session.Settings, saysReadOnly);
        return true;
    }

    /// <summary>Sends the statement to every shard that has joined; the first one's replies are the client's. None joined: nothing happens.</summary>
    public async ValueTask<bool> RunOnJoinedAsync(StatementText text)
    {
        var joined = _session.Servers.Joined();
        foreach (var server in joined)
        {
            server.SendQuery(text.Bytes, server == joined[0] ? Disposition.Forward : Disposition.Swallow);
            _session.Flush(server);
        }
        ServerError? swallowed = null;
        var failed = false;
        foreach (var server in joined)
        {
            await _session.DrainAsync(server);
            failed |= _session.Relay.ErrorSeen;
            swallowed ??= _session.Relay.SwallowedError;
        }
        if (swallowed is not null && !failed)
            throw new SqlErrorException(swallowed);
        if (failed)
            _session.FailBlock();
        return !failed;
    }

    /// <summary>Rolls back without a word to the client, whatever state the servers are in. One that does not answer in time is given up: its session ends, and so does the block.</summary>
    public async ValueTask RollBackServersAsync(IReadOnlyList<ServerConnection> servers)
    {
        if (servers.Count == 0)
            return;
        foreach (var server in servers)
        {
            if (server.State != ServerState.Leased)
                continue;
            try
            {
                if (server.NeedsSync)
                    server.SendSync(Disposition.Swallow);
                server.SendQuery("ROLLBACK"u8, Disposition.Swallow);
                _session.Flush(server);
            }
            catch (ServerLostException)
            {
                _session.Servers.Lose(server);
            }
        }
        using var patience = _session.LimitWaits(_session.Database.Limits.CommitTimeout);
        foreach (var server in servers)
        {
            if (server.State != ServerState.Leased)
                continue;
            try
            {
                await DrainEndAsync(server);
            }
            catch (ServerLostException)
            {
                // A block on a connection that is gone is rolled back already.
                _session.Servers.Lose(server);
            }
        }
    }

    // What the end of the block does to reported settings is the client's news.
    private async ValueTask DrainEndAsync(ServerConnection server)
    {
        _session.StartRelay(server);
        _session.Relay.HearsParameters = true;
        await _session.PumpAsync(server);
    }

    private bool IsInBlock(string verb, bool chain)
    {
        if (Transaction.IsOpen && !Transaction.IsImplicit)
            return true;
        if (chain)
            throw new SqlErrorException(SqlStates.NoActiveSqlTransaction, $"{verb} AND CHAIN can only be used in transaction blocks");
        _session.WriteNotice("WARNING", SqlStates.NoActiveSqlTransaction, "there is no transaction in progress");
        if (Transaction.IsOpen)
            return true;
        _session.WriteTag(verb == "COMMIT" ? "COMMIT"u8 : "ROLLBACK"u8);
        return false;
    }

    private async ValueTask<bool> SavepointAsync(TransactionPlan plan, StatementText text)
    {
        var name = plan.Name ?? "";
        var (verb, tag) = plan.Verb switch
        {
            TransactionVerb.Savepoint => ("SAVEPOINT", "SAVEPOINT"),
            TransactionVerb.Release => ("RELEASE SAVEPOINT", "RELEASE"),
            _ => ("ROLLBACK TO SAVEPOINT", "ROLLBACK"),
        };
        if (!Transaction.IsOpen || Transaction.IsImplicit)
            throw new SqlErrorException(SqlStates.NoActiveSqlTransaction, $"{verb} can only be used in transaction blocks");
        if (plan.Verb != TransactionVerb.Savepoint && !Transaction.HasSavepoint(name))
            throw new SqlErrorException(SqlStates.InvalidSavepoint, $"savepoint \"{name}\" does not exist");
        if (_session.Servers.JoinedCount == 0)
            _session.WriteTag(System.Text.Encoding.ASCII.GetBytes(tag));
        else if (!await RunOnJoinedAsync(text))
            return false;
        switch (plan.Verb)
        {
            case TransactionVerb.Savepoint:
                Transaction.Savepoint(name, text.Bytes.ToArray(), _session.Settings);
                break;
            case TransactionVerb.Release:
                Transaction.Release(name);
                break;
            default:
                var number = Transaction.NumberOf(name);
                _session.Settings = Transaction.RollbackTo(name);
                _session.Cursors.ForgetSince(number);
                _session.Prepared.ForgetPortalsSince(number);
                break;
        }
        return true;
    }

    private async ValueTask<bool> PrepareTransactionAsync(TransactionPlan plan, StatementText text)
    {
        CheckName(plan);
        var joined = _session.Servers.Joined();
        if (!Transaction.IsOpen || Transaction.IsImplicit)
            throw new SqlErrorException(SqlStates.NoActiveSqlTransaction, "PREPARE TRANSACTION can only be used in transaction blocks");
        if (joined.Count == 0)
            joined.Add(await _session.Servers.GetAsync(Database.HomeShard));
        if (joined.Count > 1 || joined[0].Shard != Database.HomeShard)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                "PREPARE TRANSACTION is for transactions on the home shard only",
                "COMMIT itself is two-phase commit over the shards that have written.");
        }
        if (!await RunOnJoinedAsync(text))
            return false;
        _session.Settings = _session.Settings.WithoutLocal;
        _session.Servers.BlockEnded(_session.Settings, committed: true);
        EndBlock(committed: true);
        return true;
    }

    private async ValueTask<bool> FinishPreparedAsync(TransactionPlan plan, StatementText text)
    {
        CheckName(plan);
        if (Transaction.IsOpen && !Transaction.IsImplicit)
            throw new SqlErrorException(SqlStates.ActiveSqlTransaction, "COMMIT PREPARED cannot run inside a transaction block");
        var server = await _session.Servers.GetAsync(Database.HomeShard);
        server.SendQuery(text.Bytes, Disposition.Forward);
        await _session.DrainAsync(server);
        return !_session.Relay.ErrorSeen;
    }

    // The parts of transactions over several shards are finished by whoever knows the decision.
    private static void CheckName(TransactionPlan plan)
    {
        if (plan.Name?.StartsWith(GlobalTransactionId.Prefix, StringComparison.Ordinal) == true)
        {
            throw new SqlErrorException(
                SqlStates.InsufficientPrivilege,
                $"names that start with \"{GlobalTransactionId.Prefix}\" are for the transactions that ShardProxy itself prepares",
                "What a crash has left is finished by itself; SHOW TRANSACTIONS in the admin database tells what is left.");
        }
    }

    private void RestoreSettings()
    {
        _session.Settings = Transaction.SettingsAtBegin;
        _session.Servers.BlockEnded(_session.Settings, committed: false);
        EndBlock(committed: false);
    }

    private void EndBlock(bool committed)
    {
        Transaction.End();
        _session.Relay.CancelMeans = null;
        _session.Cursors.EndBlock(committed);
        _session.Prepared.ClearPortals();
    }
}
