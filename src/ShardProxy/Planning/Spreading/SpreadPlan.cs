using System.Collections.Immutable;
using ShardProxy.Directory;

namespace ShardProxy.Planning;

/// <summary>What runs on several shards, its portal on none of them: any shard can describe its rows, and the proxy makes them.</summary>
/// <param name="Keys">The shards concerned are those of any of the sets.</param>
public abstract record SeveralShardsPlan(SpreadKeys Keys) : Plan;

/// <summary>
/// A query that each of several shards answers for its own rows, such that the answers put together are the query's.
/// </summary>
public sealed record SpreadPlan(SpreadKeys Keys) : SeveralShardsPlan(Keys)
{
    /// <summary>How the shards' rows are put together; null: they go to the client as they come, of the statement as it stands.</summary>
    public MergeDraft? Merge { get; init; }

    /// <summary>The rows are of one value of a global index, which may say on which shard they are; null otherwise.</summary>
    public EntryLookup? Lookup { get; init; }

    /// <summary>FOR UPDATE and its kin.</summary>
    public bool Locks { get; init; }

    /// <summary>The sharded tables of a statement that locks rows.</summary>
    public ImmutableArray<QualifiedName> Locked { get; init; } = [];

    /// <summary>
    /// The statement with <see cref="Writing.StatementClock"/>'s marks in the places where it reads the clock; they are in
    /// <see cref="Merge"/>'s text too. Null for a statement that does not.
    /// </summary>
    public string? ClockText { get; init; }

    /// <summary>What is done when the servers' types turn out not to be merged exactly; null: refused.</summary>
    public Plan? Fallback { get; init; }
}

/// <summary>A unique column of a table is one value: at most one row matters, on the shard of the key that the value's entry has.</summary>
/// <param name="Index">The id of the global index.</param>
/// <param name="Value">As if the column were the key of a table placed by hash: so its entry is.</param>
/// <param name="TableKey">The table's own.</param>
public sealed record EntryLookup(string Index, KeyEquals Value, KeyType TableKey);

/// <summary>Which shards can have rows that matter.</summary>
/// <param name="Sets">The shards are those of any of them; null where nothing confines them, and then all shards are meant.</param>
public sealed record SpreadKeys(ImmutableArray<KeySet>? Sets)
{
    public static SpreadKeys All { get; } = new((ImmutableArray<KeySet>?)null);
}
