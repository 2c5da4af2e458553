using System.Diagnostics.CodeAnalysis;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>
/// SELECT create_distributed_table(…) and create_reference_table(…), with the names and arguments that Citus users know,
/// and the functions that change ranges, lists and zones, move keys and add shards.
/// </summary>
internal static class DistributeFunction
{
    public static bool TryRead(Query query, SourceText source, PlanningContext context, Names scope, [NotNullWhen(true)] out Plan? plan)
    {
        plan = null;
        if (!SingleCall.TryRead(query, out var call) || call.Names.Length != 1)
            return false;
        string[]? names = call.Names[0] switch
        {
            "create_distributed_table" => ["table_name", "distribution_column", "distribution_type", "colocate_with", "strategy", "ranges", "lists", "policy", "zone_column", "zones"],
            "create_reference_table" => ["table_name"],
            "create_distributed_function" => ["function_name", "distribution_arg_name", "colocate_with"],
            "add_shard_range" => ["table_name", "range"],
            "add_shard_list" => ["table_name", "list"],
            "add_shard_zone" => ["table_name", "zone"],
            "split_shard_range" => ["table_name", "at"],
            "move_shard_key" => ["table_name", "key", "shard_name"],
            "add_shard" => ["shard_name", "connection"],
            _ => null,
        };
        if (names is null)
            return false;
        plan = Read(call, names, source, context, scope);
        return true;
    }

    private static Plan Read(FunctionCall call, string[] names, SourceText source, PlanningContext context, Names scope)
    {
        var values = new string?[names.Length];
        var index = 0;
        foreach (var argument in call.Arguments)
        {
            var (name, value) = argument is NamedArgument named ? (named.Name, named.Value) : (index < names.Length ? names[index] : "", argument);
            index++;
            var place = Array.IndexOf(names, name);
            if (place < 0)
                return Refuse($"{call.Names[0]} has no argument \"{name}\"", names);
            if (TextOf(value, mayBeNumber: call.Names[0] == "move_shard_key") is not { } constant)
                return Refuse($"the arguments of {call.Names[0]} must be literals", names);
            values[place] = source.SensitiveText(constant);
        }
        if (call.Names[0] == "create_distributed_function")
            return DistributedFunction.Plan(values[0], values[1], values[2], context, scope);
        if (call.Names[0] == "add_shard")
            return values[0] is { } shard && values[1] is { } target ? new AddShardPlan(shard, target) : Refuse("add_shard needs a name and a connection string", names);
        if (values[0] is not { } table)
            return Refuse($"{call.Names[0]} needs a table", names);
        if (call.Names[0] == "create_reference_table")
            return new DistributePlan(table, null, null, Reference: true);
        if (call.Names[0] != "create_distributed_table")
            return call.Names[0] == "move_shard_key" ? ReadMove(table, values[1], values[2], names) : ReadPlacement(call.Names[0], table, values[1], names);
        if (values[1] is not { } key)
            return Refuse($"{call.Names[0]} needs the column to shard by", names);
        return ReadZones(ReadStrategy(new DistributePlan(table, key, ColocateWith(values[3]), Reference: false), values, names), values[8], values[9], names);
    }

    /// <summary>"default" and "none" are Citus' words for a group by key type and a group of its own.</summary>
    private static string? ColocateWith(string? value) => value is "default" or "none" ? null : value;

    private static Plan ReadStrategy(DistributePlan plan, string?[] values, string[] names)
    {
        var strategy = values[4] ?? values[2];
        var placement = values[5] ?? values[6] ?? values[7];
        if (strategy is null && placement is null)
            return plan;
        if (plan.ColocateWith is not null)
            return Refuse("a table that is colocated with another is placed as that one is, and takes no strategy", names);
        return strategy switch
        {
            null or "hash" when placement is null => plan,
            "range" when values[5] is not null && values[6] is null && values[7] is null => plan with { Strategy = strategy, Placement = placement },
            "list" when values[6] is not null && values[5] is null && values[7] is null => plan with { Strategy = strategy, Placement = placement },
            "lookup" when values[5] is null && values[6] is null => plan with { Strategy = strategy, Placement = values[7] ?? "fewest" },
            "lookup" => Refuse("the strategy lookup takes no ranges and lists, only a policy for unknown keys: policy => 'fewest' or 'hash'", names),
            "range" => Refuse("the strategy range takes ranges, such as ranges => '[,1000) on s0, [1000,) on s1'", names),
            "list" => Refuse("the strategy list takes lists, such as lists => '(eu, ch) on s0, default on s1'", names),
            null or "hash" => Refuse("ranges, lists and policies go with a strategy => 'range', 'list' or 'lookup'", names),
            _ => Refuse($"there is no strategy \"{strategy}\": the strategies are hash, range, list and lookup", names),
        };
    }

    private static Plan ReadZones(Plan plan, string? column, string? zones, string[] names)
    {
        if (plan is not DistributePlan distribute || (column is null && zones is null))
            return plan;
        if (distribute.ColocateWith is not null && zones is not null)
            return Refuse("a table that is colocated with another has the zones of that one; zone_column says which of its own columns has them", names);
        if (distribute.ColocateWith is null && (column is null || zones is null))
            return Refuse("zones take a column and their shards, such as zone_column => 'region', zones => '(eu, ch) on s0 s1, (us) on s2'", names);
        if (column == distribute.Key)
            return Refuse("a column cannot be both zone and key; with the strategy list its values are placed by themselves", names);
        return distribute with { ZoneColumn = column, Zones = zones };
    }

    private static Plan ReadPlacement(string function, string table, string? text, string[] names)
    {
        if (text is null)
            return Refuse($"{function} needs {names[1]}", names);
        var verb = function switch
        {
            "add_shard_range" => PlacementVerb.AddRange,
            "add_shard_list" => PlacementVerb.AddList,
            "add_shard_zone" => PlacementVerb.AddZone,
            _ => PlacementVerb.SplitRange,
        };
        return new PlacementPlan(verb, table, text);
    }

    private static Plan ReadMove(string table, string? key, string? shard, string[] names) =>
        key is null || shard is null ? Refuse("move_shard_key needs a key and a shard", names) : new MoveKeyPlan(table, key, shard);

    private static Constant? TextOf(Expression value, bool mayBeNumber) => value switch
    {
        Constant { Kind: ConstantKind.Integer or ConstantKind.Decimal } constant when mayBeNumber => constant,
        Constant { Kind: ConstantKind.Text } constant => constant,
        TypeCast { Operand: Constant { Kind: ConstantKind.Text } constant } => constant,
        _ => null,
    };

    private static RefusedPlan Refuse(string reason, string[] names) => Refusals.Of(reason, $"Its arguments are {string.Join(", ", names)}.");
}
