using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Planning;

/// <summary>
/// While the proxy's lease is lost, the rest of the fleet no longer waits for it: a table that it takes for the home
/// shard's may have been distributed, and a row written there would be lost to everybody else.
/// </summary>
internal static class LeaseRule
{
    private static readonly RefusedPlan LeaseLost = new(
        SqlStates.CannotConnectNow,
        "the directory has not been reached for longer than this proxy's lease, and the table may have been distributed meanwhile",
        "Writes to sharded tables and all reads go on. Try again when the directory can be reached, or use another proxy.");

    private static readonly RefusedPlan MayHaveMoved = new(
        SqlStates.CannotConnectNow,
        "the directory has not been reached for longer than this proxy's lease, and the keys of the table may have been moved meanwhile",
        "Writes to tables of other strategies and all reads go on. Try again when the directory can be reached, or use another proxy.");

    public static PlannedStatement Apply(PlannedStatement planned, DirectorySnapshot directory) =>
        !directory.IsLeaseLost ? planned
        : directory.HasLookups && WritesByLookUp(planned) ? planned with { Plan = MayHaveMoved }
        : planned is { Plan: OneShardPlan { Choice: HomeShard }, Verb: "insert" or "update" or "delete" or "merge" or "copy" }
        && (planned.Traits & Traits.Writes) != 0
            ? planned with { Plan = LeaseLost }
            : planned;

    private static bool WritesByLookUp(PlannedStatement planned) =>
        planned.Plan is CopyPlan { From: true, KeyType.Placement: LookupPlacement }
        || ((planned.Traits & Traits.Writes) != 0 && PlanKeys.Of(planned.Plan).Any(IsByLookUp));

    private static bool IsByLookUp(KeySet set) => set switch
    {
        KeyEquals equals => equals.Type.Placement is LookupPlacement,
        KeyInArray array => array.Type.Placement is LookupPlacement,
        ZonedKeys { Keys: { } keys } => IsByLookUp(keys),
        KeyUnion union => union.Sets.Any(IsByLookUp),
        KeyIntersection both => both.Sets.Any(IsByLookUp),
        _ => false,
    };
}
