namespace ShardProxy.Control.Deadlocks;

/// <summary>A server process, as the servers know it.</summary>
internal readonly record struct ServerProcess(string Shard, int Pid);

/// <summary>A transaction that some proxy runs on several shards.</summary>
/// <param name="Key">Unique over all proxies.</param>
/// <param name="Began">By one clock for all; the youngest gives way.</param>
internal sealed record SpreadTransaction(string Key, DateTimeOffset Began, IReadOnlyList<ServerProcess> Processes);

/// <summary>
/// Who waits for whom, over all shards: each server knows its own processes, and the proxies know which of them are one
/// transaction. A circle that no single server can see is a deadlock over shards; one within a server is that server's.
/// </summary>
internal sealed class WaitGraph
{
    private readonly Dictionary<ServerProcess, string> _transactionOf = [];
    private readonly Dictionary<string, SpreadTransaction> _spread;
    private readonly Dictionary<string, List<(string Blocker, string Shard)>> _waits = new(StringComparer.Ordinal);

    public WaitGraph(IReadOnlyList<SpreadTransaction> transactions, IEnumerable<(ServerProcess Waiter, int Blocker)> waits)
    {
        _spread = transactions.DistinctBy(static each => each.Key).ToDictionary(static each => each.Key, StringComparer.Ordinal);
        foreach (var transaction in transactions)
        {
            foreach (var process in transaction.Processes)
                _transactionOf[process] = transaction.Key;
        }
        foreach (var (waiter, blocker) in waits)
        {
            var from = NodeOf(waiter);
            var to = NodeOf(waiter with { Pid = blocker });
            if (from == to)
                continue;
            if (!_waits.TryGetValue(from, out var blockers))
                _waits.Add(from, blockers = []);
            blockers.Add((to, waiter.Shard));
        }
    }

    /// <summary>A circle over more than one shard: its transactions in order, the first the one that gives way. Null when there is none.</summary>
    public IReadOnlyList<string>? FindCircle()
    {
        foreach (var start in _waits.Keys.Where(_spread.ContainsKey).Order(StringComparer.Ordinal))
        {
            if (CircleThrough(start) is { } circle)
                return StartingWithYoungest(circle);
        }
        return null;
    }

    private List<string>? CircleThrough(string start)
    {
        var path = new List<(string Node, string Shard)>();
        var visited = new HashSet<string>(StringComparer.Ordinal);
        return Walk(start, start, path, visited) ? [.. path.Select(static step => step.Node)] : null;
    }

    // The path's steps are the transactions left and the shards on which they wait.
    private bool Walk(string node, string start, List<(string Node, string Shard)> path, HashSet<string> visited)
    {
        if (!_waits.TryGetValue(node, out var blockers))
            return false;
        foreach (var (blocker, shard) in blockers)
        {
            path.Add((node, shard));
            if (blocker == start && path.Select(static step => step.Shard).Distinct(StringComparer.Ordinal).Count() > 1)
                return true;
            if (blocker != start && visited.Add(blocker) && Walk(blocker, start, path, visited))
                return true;
            path.RemoveAt(path.Count - 1);
        }
        return false;
    }

    private List<string> StartingWithYoungest(List<string> circle)
    {
        var youngest = circle.Where(_spread.ContainsKey)
            .MaxBy(node => (_spread[node].Began, node), Comparer<(DateTimeOffset Began, string Key)>.Create(static (left, right) =>
                left.Began != right.Began ? left.Began.CompareTo(right.Began) : string.CompareOrdinal(left.Key, right.Key)))!;
        var first = circle.IndexOf(youngest);
        return [.. circle[first..], .. circle[..first]];
    }

    private string NodeOf(ServerProcess process) =>
        _transactionOf.TryGetValue(process, out var transaction) ? transaction : $"{process.Shard}:{process.Pid}";
}
