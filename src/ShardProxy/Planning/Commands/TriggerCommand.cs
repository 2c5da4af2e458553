using System.Text.RegularExpressions;
using ShardProxy.Directory;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>
/// CREATE TRIGGER: what its function touches must be on the shard where it fires. Colocated tables are, row by row, as long as
/// the function goes by the key; tables that are sharded otherwise, or on the home shard only, are not.
/// </summary>
internal static partial class TriggerCommand
{
    public static RefusedPlan? Check(CommandPlanner planner, SyntaxNode node)
    {
        var context = planner.Context;
        if (context.Directory.Tables.Count == 0)
            return null;
        var target = planner.Names.Resolve(QueryReader.ReadTableName(node.Node("relation")));
        var names = node.Names("funcname");
        if (names.Count == 0 || planner.Names.FindFunction(names) is not { Body: { } body } function)
            return null;
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var bodies = new Queue<string>([body]);
        while (bodies.TryDequeue(out var next))
        {
            foreach (var word in BodyWords.Of(next))
            {
                if (!seen.Add(word))
                    continue;
                foreach (var (name, table) in context.Directory.Tables)
                {
                    if (IsNamed(name, word) && Problem(target, table, next) is { } problem)
                        return Refuse(function.Name.Name, target, problem);
                }
                foreach (var (name, inner) in context.Catalog.Functions)
                {
                    if (IsNamed(name, word) && inner.Body is { } called)
                        bodies.Enqueue(called);
                }
                foreach (var (name, relation) in context.Catalog.Relations)
                {
                    if (IsNamed(name, word) && relation.ViewDefinition is { } view)
                        bodies.Enqueue(view);
                }
            }
            if (target.Distribution is not null && HomeRelation(planner, next) is { } home)
                return Refuse(function.Name.Name, target, $"\"{home}\", which is on the home shard only");
        }
        return null;
    }

    private static string? Problem(ResolvedRelation target, TableDistribution table, string body)
    {
        if (target.Distribution?.Table == table.Table)
            return null;
        if (table.Kind == TableKind.Reference)
            return BodyWords.Writes(body) ? $"the reference table \"{table.Table.Name}\", and writes" : null;
        return target.Distribution is { Kind: TableKind.Sharded } own && own.Group == table.Group
            ? null
            : $"\"{table.Table.Name}\", which is sharded otherwise, by {table.KeyText}";
    }

    /// <summary>A word may be a table's name by chance; behind FROM and its kin it is one.</summary>
    private static string? HomeRelation(CommandPlanner planner, string body)
    {
        foreach (Match match in TableWord().Matches(body))
        {
            var name = match.Groups["name"].Value.ToLowerInvariant();
            if (planner.Names.Resolve(null, name).Class == RelationClass.Home)
                return name;
        }
        return null;
    }

    private static RefusedPlan Refuse(string function, ResolvedRelation target, string problem) => Refusals.Of(
        $"the trigger's function {function}() names {problem}, and fires on the shards of \"{target.Name.Name}\"",
        "Colocate the tables with create_distributed_table(…, colocate_with => …), or write the second row in the application's transaction.");

    private static bool IsNamed(QualifiedName name, string word) => string.Equals(name.Name, word, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"\b(from|join|into|update|only|table)\s+(\w+\.)?(?<name>\w+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TableWord();
}
