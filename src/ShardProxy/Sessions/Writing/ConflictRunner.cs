using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Runs an INSERT … ON CONFLICT that goes by a global index, in the open block:
/// 1. the home shard computes the entries that the rows would have (<see cref="ProposedRows"/>);
/// 2. the entries' shards say which of those are there; their rows are locked (<see cref="ConflictSearch"/>);
/// 3. the statement runs as it stands, each row on the shard of the row in conflict, which meets it there, or else on its own;
/// 4. the entries are added. Should one be there by now, all is undone since 2 and begins there again.
/// Rows come before entries, as in every other statement, so that two of them do not wait in a circle.
/// </summary>
/// <param name="isOwnBlock">The block ends with the statement.</param>
internal sealed class ConflictRunner(Session session, ClientRequest request, GlobalConflict conflict, IProposal proposal, bool isOwnBlock)
{
    /// <summary>A row whose entry is there and which is not is being committed, or going: that takes no longer than a commit.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(50);

    private readonly ByteBuffer _held = new();
    private bool _isDescribed = !request.IsDescribed;

    /// <summary>The types of the client's parameters, when more is known than was declared.</summary>
    public uint[] ParameterTypes { get; init; } = request.ParameterTypes;

    /// <returns>Rows stored or changed.</returns>
    public async ValueTask<long> RunAsync()
    {
        await session.MoveGate.EnterAsync(stays: true);
        SpreadRun.CheckMoves(session);
        var proposed = await ProposedRows.ComputeAsync(session, proposal, await ConflictArbiters.FindAsync(session, request, ParameterTypes, conflict));
        var count = await RunAsync(proposed, [.. Enumerable.Range(0, proposal.Own.Count)]);
        (request.Sink ?? session.Client.Output).Write(_held.Unread);
        return count;
    }

    private async ValueTask<long> RunAsync(ProposedRows proposed, int[] rows)
    {
        var search = new ConflictSearch(session, proposed, proposal.Own);
        var began = Environment.TickCount64;
        var pause = FirstPause;
        while (true)
        {
            if (await search.FindAsync(rows) is { } found)
            {
                // Whether an earlier row is stored is not known where any index can be in its way.
                if (found.HasTwins && proposed.Conflict.IsAny)
                    return await RunOneByOneAsync(proposed, rows);
                if (await TryAsync(proposed, rows, found.Shards) is { } count)
                    return count;
            }
            if (session.Transaction.KeepsSnapshot || Environment.TickCount64 - began > Patience.TotalMilliseconds)
                throw new SqlErrorException(SqlStates.SerializationFailure, "could not serialize access due to concurrent update", hint: null);
            session.ThrowIfOver();
            await Task.Delay(pause);
            pause = pause < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private async ValueTask<long> RunOneByOneAsync(ProposedRows proposed, int[] rows)
    {
        var count = 0L;
        foreach (var row in rows)
            count += await RunAsync(proposed, [row]);
        return count;
    }

    /// <returns>Null when another has come first and nothing is done.</returns>
    private async ValueTask<long?> TryAsync(ProposedRows proposed, int[] rows, IReadOnlyList<int> targets)
    {
        var shards = targets.Distinct().Order().ToList();
        var goesTo = rows.Zip(targets).ToDictionary(static pair => pair.First, static pair => pair.Second);
        WriterRule.CheckShards(session, shards);
        var savepoint = new ShardSavepoint(session);
        foreach (var shard in shards)
            await savepoint.AddAsync(shard);
        bool IsAtHome(int row) => proposal.Own[row] == goesTo[row];
        var entries = await EntryLog.BeginAsync(session, shards, isOwnBlock, Entries(proposed, rows, IsAtHome), savepoint.AddAsync);
        var run = await SpreadRun.StartAsync(session, shards, shard => proposal.Insert([.. rows.Where(row => goesTo[row] == shard)]), entries);
        var kept = new KeptRows(new OrderedRows(run.Shards, [.. targets.Select(shard => shards.IndexOf(shard))]), session.Database.Limits.MergeBytes);
        await run.RunToEndAsync(kept);
        // Nothing may be stored where it does not belong.
        var isStray = entries.HasAddedAny(Entries(proposed, rows, row => !IsAtHome(row)));
        if (isStray || !await entries.ApplyAsync())
        {
            await savepoint.UndoAsync();
            return null;
        }
        if (!isOwnBlock)
            await savepoint.ReleaseAsync();
        if (!_isDescribed)
            _held.Write(run.Description);
        _isDescribed = true;
        _held.Write(kept.Messages);
        return run.AffectedCount;
    }

    private static HashSet<(string Index, string Entry)> Entries(ProposedRows proposed, int[] rows, Func<int, bool> condition)
    {
        var entries = new HashSet<(string Index, string Entry)>();
        for (var index = 0; index < proposed.Entries.Count; index++)
        {
            foreach (var row in rows.Where(condition))
            {
                if (proposed.Entries[index][row] is { } entry)
                    entries.Add((proposed.Conflict.Indexes[index].Id, entry.Text));
            }
        }
        return entries;
    }
}
