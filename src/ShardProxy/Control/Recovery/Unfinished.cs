using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>A transaction of which prepared parts were found.</summary>
/// <param name="Age">Of its oldest part.</param>
internal sealed record Unfinished(GlobalTransactionId Transaction, IReadOnlyList<(RecoveryShard Shard, PreparedPart Part)> Parts, TimeSpan Age)
{
    /// <summary>What it waits for; null while nobody has looked after it.</summary>
    public string? State { get; set; }

    public bool IsFinished { get; set; }

    public string ShardNames => string.Join(", ", Parts.Select(static part => part.Shard.Name));

    public static List<Unfinished> Group(IEnumerable<(RecoveryShard Shard, PreparedPart Part)> found) =>
        [.. found.GroupBy(static each => each.Part.Transaction).Select(static group => new Unfinished(group.Key, [.. group], group.Max(static each => each.Part.Age)))];
}
