using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Planning;

/// <summary>The words in which statements are refused: what stands in the way, and what to do instead.</summary>
internal static class Refusals
{
    public const string NotSupported = SqlStates.FeatureNotSupported;

    public const string KeyHint = "Name the shard with a leading comment such as /* shardproxy: key=42 */.";

    public static RefusedPlan NullKey { get; } = new(
        SqlStates.NotNullViolation,
        "the shard key of a new row is null",
        "Every row of a sharded table needs a value of its key column: it decides on which shard the row lives.");

    public static RefusedPlan NullZone { get; } = new(
        SqlStates.NotNullViolation,
        "the zone of a new row is null",
        "Every row of a table with zones needs a value of its zone column: it decides on which shards the row may live.");

    /// <param name="missing">What the table would need, in words.</param>
    public static RefusedPlan NoZone(string missing) => new(
        SqlStates.CheckViolation,
        $"the zone of a new row is not configured: the table would need {missing}",
        "Add one with SELECT add_shard_zone('table', '(value, …) on shard shard').");

    public static RefusedPlan NoPlaceWithoutZone { get; } = Of(
        "the key with which a function is called has no place yet, and its zone is not known here",
        "Insert a row of the key first, with its zone.");

    /// <param name="key">As the statement has it; null where it is not shown.</param>
    public static RefusedPlan OtherZone(string? key) => new(
        SqlStates.CheckViolation,
        $"the zone of a new row does not have the shard on which the rows of its key{(key is null ? "" : $" {key}")} are",
        "A key has one place, so all of its rows are of zones that have its shard. A key without rows is moved with SELECT move_shard_key('table', key, 'shard').");

    /// <param name="missing">What the table would need, in words.</param>
    public static RefusedPlan NoBucket(string missing) => new(
        SqlStates.CheckViolation,
        $"the shard key of a new row has no place: the table would need {missing}",
        "Add one with SELECT add_shard_range('table', '[from,to) on shard') or SELECT add_shard_list('table', '(value, …) on shard').");

    /// <summary>Told by EXPLAIN (SHARDS), which gives no places.</summary>
    public static RefusedPlan NotPlacedYet { get; } = new(
        SqlStates.CheckViolation,
        "the shard key of a new row has no place yet: the statement itself would give it one",
        null);

    public static RefusedPlan Of(string reason, string? hint) => new(NotSupported, reason, hint);

    public static RefusedPlan NotConfined(TableDistribution table) => Of(
        $"\"{table.Table.Name}\" is sharded by {table.KeyText} and the statement does not confine it to one shard",
        $"Add a condition such as {string.Join(" AND ", table.KeyColumns.Select(static column => $"{column} = …"))}, or name the shard with /* shardproxy: key=… */.");

    public static RefusedPlan MixesHome(TableDistribution table, string home) => Of(
        $"\"{home}\" is on the home shard only and cannot be used in one statement with the sharded table \"{table.Table.Name}\"",
        $"Make it a reference table with SELECT create_reference_table('{home}'), or distribute it with SELECT create_distributed_table('{home}', …).");

    public static RefusedPlan MixesHomeFunction(TableDistribution table, string function) => Of(
        $"{function}() works on the home shard and cannot be used in one statement with the sharded table \"{table.Table.Name}\"",
        $"Run SELECT {function}(…) as a statement of its own and pass its result on.");

    public static RefusedPlan WritesReference(string table) => Of(
        $"\"{table}\" is a reference table, and the statement could leave its copies on the shards different",
        "Use constants, parameters and reference tables only, without triggers, or LIMIT in a subquery; or load the table with COPY.");

    public static RefusedPlan KeyNotConstant(TableDistribution table) => Of(
        $"the value of {table.KeyText}, by which \"{table.Table.Name}\" is sharded, is not known before the statement runs",
        $"Give {table.KeyText} a constant or a parameter.");

    /// <summary>An UPDATE sets the key, and the rows cannot be moved as one PostgreSQL would change them.</summary>
    public static RefusedPlan MovesRows(TableDistribution table, string reason) => Of(
        $"the UPDATE sets {table.KeyText}, by which \"{table.Table.Name}\" is sharded, so that rows may move to other shards, and {reason}",
        "In a transaction, DELETE the rows and INSERT them again with their new key.");

    /// <summary>ON CONFLICT DO UPDATE, or a MERGE, gives a row a key that may be another shard's.</summary>
    public static RefusedPlan SetsKey(TableDistribution table, bool isMerge) => Of(
        $"{(isMerge ? "MERGE" : "ON CONFLICT DO UPDATE")} sets {table.KeyText}, by which \"{table.Table.Name}\" is sharded, so that rows may move to other shards",
        $"Leave {table.KeyText} out of SET, and change it by an UPDATE of its own.");

    public static RefusedPlan WritesInWith(TableDistribution table) => Of(
        $"a part of WITH writes \"{table.Table.Name}\", which is sharded by {table.KeyColumn}, and the statement needs rows of several shards at once",
        $"Confine it by {table.KeyColumn}, return {table.KeyColumn} and join every part by it, or run the parts as statements of one transaction.");

    public static RefusedPlan MissingRelation(QualifiedName name) => new(
        SqlStates.UndefinedTable,
        $"relation \"{name.Name}\" does not exist",
        null);
}
