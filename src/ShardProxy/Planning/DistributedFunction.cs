using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>
/// SELECT create_distributed_function('f(int8)', '$1', colocate_with => 'users'): notes at the function itself, on every
/// shard, which of its arguments is the key.
/// </summary>
internal static class DistributedFunction
{
    /// <summary>Settings of the function, by which the loader of catalogs knows it.</summary>
    public const string KeySetting = "shardproxy.key";
    public const string TableSetting = "shardproxy.colocate_with";

    private const string Arguments = "Its arguments are function_name with the types of its arguments, distribution_arg_name, colocate_with.";

    public static Plan Plan(string? function, string? argument, string? colocateWith, PlanningContext context, Names names)
    {
        if (function is null || argument is null)
            return Refusals.Of("create_distributed_function needs a function and its key argument", Arguments);
        if (FindTable(colocateWith, context, names) is not { } table)
        {
            return Refusals.Of(
                colocateWith is null
                    ? "create_distributed_function must be told a table, because the sharded tables are of several groups, or there is none"
                    : $"\"{colocateWith}\" is not a sharded table",
                Arguments);
        }
        if (table.PartingColumns.Contains(table.ZoneColumn))
        {
            return Refusals.Of(
                $"\"{table.Table.Name}\" has zones, and the function's argument says the key without its {table.ZoneColumn}",
                "Say the key's place where the function is called: /* shardproxy: key=… zone=… */ or /* shardproxy: shard=… */.");
        }
        var sql = $"ALTER FUNCTION {function} SET {KeySetting} = {Identifiers.Literal(argument)} SET {TableSetting} = {Identifiers.Literal(table.Table.ToString())}";
        return SqlParser.Parse(System.Text.Encoding.UTF8.GetBytes(sql)) is SyntaxTree { Statements.Length: 1 }
            ? new EveryShardPlan(sql)
            : Refusals.Of($"\"{function}\" is not a function's name with the types of its arguments", Arguments);
    }

    private static TableDistribution? FindTable(string? name, PlanningContext context, Names names)
    {
        var sharded = context.Directory.Tables.Values.Where(static table => table.Kind == TableKind.Sharded).OrderBy(static table => table.Table.ToString(), StringComparer.Ordinal).ToList();
        if (name is null or "default")
            return sharded.Select(static table => table.Group).Distinct().Count() == 1 ? sharded[0] : null;
        var parts = name.Split('.');
        var relation = names.Resolve(parts.Length > 1 ? parts[^2] : null, parts[^1]);
        return relation is { Class: RelationClass.Sharded, Distribution: { } found } ? found : null;
    }
}
