using System.Collections.Immutable;

namespace ShardProxy.Planning;

/// <summary>The key sets by which a plan's shards are chosen when its values are bound.</summary>
public static class PlanKeys
{
    public static ImmutableArray<KeySet> Of(Plan plan) => plan switch
    {
        OneShardPlan { Choice: KeyedShard keyed } => keyed.Relations,
        SeveralShardsPlan { Keys.Sets: { } sets } => [.. sets],
        CursorPlan { Inner: KeyedShard keyed } => keyed.Relations,
        DeclarePlan { Query.Keys.Sets: { } sets } => sets,
        ExplainShardsPlan explain => Of(explain.Inner.Plan),
        _ => [],
    };

    /// <summary>
    /// Adds to <paramref name="places"/> the keys for which the directory has to be asked before the sets can be bound. Call it
    /// again once it has answered: an intersection may look at a further one.
    /// </summary>
    /// <returns>Whether there are any.</returns>
    public static bool Collect(ImmutableArray<KeySet> sets, Directory.DirectorySnapshot directory, in StatementValues values, KeyPlaces places)
    {
        var collecting = values with { Places = places };
        ShardBinder.Visit(sets, directory, collecting);
        foreach (var key in places.Wanted)
        {
            if (key.Bucket == Directory.Placements.KeyPlacement.Unknown)
                return true;
        }
        return false;
    }
}
