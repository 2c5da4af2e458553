using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>
/// The one statement over all shards that can be put together without a merge engine: SELECT count(*), …, perhaps with
/// FILTER and WHERE, of one sharded table. Each row is on one shard, so the counts add up.
/// </summary>
internal static class RowCount
{
    /// <param name="findings">Of the same query.</param>
    public static bool IsOf(Query query, Findings findings, Names names) =>
        names.SystemFirst
        && findings is { Refusal: null, Instances.Count: 1, StoredKeys.Count: 0, HomeRelations.Count: 0, HomeFunction: null, Locks: false, ReadsClock: false, Unspreadable: null, Traits: Traits.None }
        && query is Select
        {
            With: null, IsDistinct: false, HasGroupingSets: false, Having: null, Into: null, Locks: false,
            DistinctOn.IsEmpty: true, Groups.IsEmpty: true, Windows.IsEmpty: true, Order.IsEmpty: true, Limits.IsEmpty: true, Outputs.IsEmpty: false,
            From: [FromTable table],
        } select
        // A view may have made its rows of several: DISTINCT, LIMIT, groups.
        && names.Resolve(table.Name).Class == RelationClass.Sharded
        && select.Outputs.All(static output => IsCount(output.Value));

    private static bool IsCount(Expression expression) =>
        expression is FunctionCall { Window: null, Arguments.IsEmpty: true, Names: ["count"] or ["pg_catalog", "count"] };
}
