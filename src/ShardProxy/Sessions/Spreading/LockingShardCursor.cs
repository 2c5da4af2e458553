using ShardProxy.Merging;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Spreading;

/// <summary>
/// One shard's rows of a SELECT that locks no more rows than it gives (FOR UPDATE with LIMIT). A merge has to know the next row of every
/// shard, and PostgreSQL locks a row when it is fetched; so each is fetched by itself behind a savepoint, to which the shard goes
/// back when the row turns out not to be one of those that are given: that unlocks it.
/// </summary>
/// <remarks>The portal outlives the savepoints, and what was fetched stays fetched.</remarks>
public sealed class LockingShardCursor(Session session, ServerConnection server, byte[] portal) : ShardCursor(session, server, portal, portion: 1), IChosenSource
{
    // No client's: a savepoint of the same name would only be hidden while the statement runs.
    private const string Savepoint = "shardproxy_row";

    private bool _isChosen;

    /// <summary>A savepoint stands before the row that was fetched last.</summary>
    public bool HasSavepoint { get; private set; }

    /// <summary>The row before was given: else a row would be fetched behind one that is not to stay locked.</summary>
    public override bool IsEmpty => base.IsEmpty && !HoldsRow;

    public override RowState TryNext()
    {
        _isChosen = false;
        return base.TryNext();
    }

    public void Choose() => _isChosen = true;

    /// <summary>Goes before the statement, with whose first Execute the first row is fetched.</summary>
    public void Begin()
    {
        Server.SendQuery($"SAVEPOINT {Savepoint}", Disposition.Swallow);
        HasSavepoint = true;
    }

    /// <summary>The row fetched last stays locked, whether it is given or not: the client is to say how many more it wants.</summary>
    public void Settle() => End(unlocks: false);

    public override void Close()
    {
        End(unlocks: HoldsRow && !_isChosen);
        base.Close();
    }

    protected override void WriteAsk(int rows)
    {
        // Nobody asks before the row fetched last was given.
        End(unlocks: false);
        Begin();
        base.WriteAsk(rows);
    }

    protected override bool IsLast(ReadOnlySpan<byte> body) =>
        CommandCompleteMessage.TryRead(body, out var complete) && complete.TryGetRowCount(out _);

    private void End(bool unlocks)
    {
        if (!HasSavepoint)
            return;
        HasSavepoint = false;
        Server.SendQuery(unlocks ? $"ROLLBACK TO SAVEPOINT {Savepoint}; RELEASE SAVEPOINT {Savepoint}" : $"RELEASE SAVEPOINT {Savepoint}", Disposition.Swallow);
    }
}
