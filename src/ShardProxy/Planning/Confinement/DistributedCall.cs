using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>A call of a function that was declared with create_distributed_function: it runs on the shard of its key argument.</summary>
internal static class DistributedCall
{
    /// <summary>False for any other function.</summary>
    public static bool TryAdd(StatementAnalysis analysis, FunctionCall call, Place place)
    {
        if (analysis.Names.FindFunction(call.Names) is not { Key: { } key } function)
            return false;
        var table = analysis.Context.Directory.Tables.Values.FirstOrDefault(table => table.Kind == TableKind.Sharded && table.Table.ToString() == key.Table);
        if (table is not { } declared || table.PartingColumns.Contains(table.ZoneColumn)
            || analysis.Context.Catalog.FindRelation(table.Table) is not { } relation || !RelationAnalyzer.TryKeyType(relation, table, out var type, out _)
            || (type.Oid != key.Type && !(TypeIds.IsInteger(type.Oid) && TypeIds.IsInteger(key.Type))))
        {
            analysis.Findings.Refuse(
                $"the function {function.Name.Name}() is declared by a key of \"{key.Table}\", which is not sharded by a key of the argument's type alone",
                "Declare it again with create_distributed_function().");
            return true;
        }
        analysis.Functions.SurveyDistributed(function, declared);
        if (Argument(call, key) is { } argument)
            new InsertedKey(analysis, analysis.Names.Resolve(table.Table.Schema, table.Table.Name), place, StoredBy.Call).Add(argument);
        else
            analysis.Findings.StoredKeys.Add(new StoredKey(table, static () => null, StoredBy.Call));
        return true;
    }

    private static Expression? Argument(FunctionCall call, FunctionKey key)
    {
        foreach (var argument in call.Arguments)
        {
            if (argument is NamedArgument named && named.Name == key.Name)
                return named.Value;
        }
        return key.Position <= call.Arguments.Length && call.Arguments[key.Position - 1] is not NamedArgument and var positional ? positional : null;
    }
}
