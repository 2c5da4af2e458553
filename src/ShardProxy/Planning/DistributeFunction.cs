using System.Diagnostics.CodeAnalysis;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>SELECT create_distributed_table(…) and create_reference_table(…), with the names and arguments that Citus users know.</summary>
internal static class DistributeFunction
{
    public static bool TryRead(Query query, SourceText source, [NotNullWhen(true)] out Plan? plan)
    {
        plan = null;
        if (!SingleCall.TryRead(query, out var call) || call.Names.Length != 1)
            return false;
        string[]? names = call.Names[0] switch
        {
            "create_distributed_table" => ["table_name", "distribution_column", "distribution_type", "colocate_with"],
            "create_reference_table" => ["table_name"],
            _ => null,
        };
        if (names is null)
            return false;
        plan = Read(call, names, source);
        return true;
    }

    private static Plan Read(FunctionCall call, string[] names, SourceText source)
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
            if (TextOf(value) is not { } constant)
                return Refuse($"the arguments of {call.Names[0]} must be literals", names);
            values[place] = source.SensitiveText(constant);
        }
        if (values[0] is not { } table)
            return Refuse($"{call.Names[0]} needs a table", names);
        if (call.Names[0] == "create_reference_table")
            return new DistributePlan(table, null, null, Reference: true);
        if (values[1] is not { } key)
            return Refuse($"{call.Names[0]} needs the column to shard by", names);
        if (values[2] is not (null or "hash"))
            return Refuse($"the distribution type \"{values[2]}\" is not supported", names);
        // "default" and "none" are Citus' words for a group by key type and a group of its own.
        return new DistributePlan(table, key, values[3] is "default" or "none" ? null : values[3], Reference: false);
    }

    private static Constant? TextOf(Expression value) => value switch
    {
        Constant { Kind: ConstantKind.Text } constant => constant,
        TypeCast { Operand: Constant { Kind: ConstantKind.Text } constant } => constant,
        _ => null,
    };

    private static RefusedPlan Refuse(string reason, string[] names) => Refusals.Of(reason, $"Its arguments are {string.Join(", ", names)}.");
}
