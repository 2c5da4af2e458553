using System.Globalization;
using ShardProxy.Directory;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Writing;

/// <summary>Sends rows to their shards in statements of as many rows as fit, and what these return to the client, in the order of the rows.</summary>
/// <param name="description">Of what the statements return, a RowDescription message; empty when they return nothing.</param>
internal sealed class RowStore(Session session, ClientRequest request, byte[] description)
{
    private bool _isDescribed = !request.IsDescribed || description.Length == 0;

    // PostgreSQL gives no rows of a statement that fails in the end, as it can at a later batch, or when entries are added.
    private readonly ByteBuffer _held = new();

    /// <summary>A shard's rows must go in one statement.</summary>
    public bool MustBeOne { get; init; }

    /// <summary>The table of the rows, which may refer to one another; null when it is known that one statement after the other will do.</summary>
    public QualifiedName? SelfReferencing { get; init; }

    /// <summary>Who takes what the shards report of entries of global indexes; null: they report none.</summary>
    public EntryLog? Entries { get; init; }

    /// <param name="shards">For each row its shard.</param>
    /// <param name="rowsAtOnce">How many fit into a statement.</param>
    /// <returns>Rows that the statements say they have touched.</returns>
    public async ValueTask<long> StoreAsync(IReadOnlyList<byte[]?[]> rows, int[] shards, int rowsAtOnce, Func<IReadOnlyList<byte[]?[]>, ShardStatement> statementOf)
    {
        WriterRule.CheckShards(session, shards.Distinct().Order());
        var batches = Batches(shards, rowsAtOnce);
        if (batches.Count > 1)
            await CheckSeveralAsync(rowsAtOnce);
        var stored = 0L;
        foreach (var (from, to) in batches)
            stored += await StoreAsync(rows, shards, from, to, statementOf);
        return stored;
    }

    /// <summary>Stretches of the rows of which no shard gets more than fit.</summary>
    private static List<(int From, int To)> Batches(int[] shards, int rowsAtOnce)
    {
        var batches = new List<(int From, int To)>();
        var counts = new Dictionary<int, int>();
        var from = 0;
        for (var row = 0; row < shards.Length; row++)
        {
            var count = counts.GetValueOrDefault(shards[row]);
            if (count == rowsAtOnce)
            {
                batches.Add((from, row));
                from = row;
                counts.Clear();
                count = 0;
            }
            counts[shards[row]] = count + 1;
        }
        if (from < shards.Length)
            batches.Add((from, shards.Length));
        return batches;
    }

    private async ValueTask<long> StoreAsync(IReadOnlyList<byte[]?[]> rows, int[] shards, int from, int to, Func<IReadOnlyList<byte[]?[]>, ShardStatement> statementOf)
    {
        var parts = new SortedDictionary<int, List<byte[]?[]>>();
        for (var row = from; row < to; row++)
        {
            if (!parts.TryGetValue(shards[row], out var part))
                parts.Add(shards[row], part = []);
            part.Add(rows[row]);
        }
        var used = parts.Keys.ToList();
        var run = await SpreadRun.StartAsync(session, used, shard => statementOf(parts[shard]), Entries);
        await run.RunToEndAsync(new OrderedRows(run.Shards, [.. shards[from..to].Select(shard => used.IndexOf(shard))]), DescribeRows, _held);
        return run.AffectedCount;
    }

    /// <summary>The last rows are stored: changes their entries, and gives the client what was held back for that.</summary>
    public async ValueTask EndAsync()
    {
        if (Entries is not null)
            await Entries.ApplyAsync();
        DescribeRows();
        session.Client.Output.Write(_held.Unread);
    }

    /// <summary>Tells the client of its columns, if no row has yet.</summary>
    private void DescribeRows()
    {
        if (_isDescribed)
            return;
        _isDescribed = true;
        _held.Write(request.Describe(description, int.MaxValue));
    }

    /// <summary>Throws when so many rows do not go in one statement, which they have to because they may refer to one another.</summary>
    public static async ValueTask CheckSeveralAsync(Session session, QualifiedName table, int count, int rowsAtOnce)
    {
        if (count > rowsAtOnce && await ForeignKeyFacts.IsSelfReferencingAsync(session, table))
            throw TooMany(rowsAtOnce);
    }

    // A row that is met twice, or refers to another, is looked at when a statement ends.
    private async ValueTask CheckSeveralAsync(int rowsAtOnce)
    {
        if (MustBeOne || (SelfReferencing is { } table && await ForeignKeyFacts.IsSelfReferencingAsync(session, table)))
            throw TooMany(rowsAtOnce);
    }

    public static SqlErrorException TooMany(int rowsAtOnce) =>
        new(
            "54000",
            string.Create(CultureInfo.InvariantCulture, $"more than {rowsAtOnce} rows move to one shard, and the statement needs them to be stored at once"),
            "Do it in parts, by ranges of a column.");
}
