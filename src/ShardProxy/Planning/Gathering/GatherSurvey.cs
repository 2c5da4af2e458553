using System.Collections.Immutable;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>What a walk over a statement has found of the tables to be gathered.</summary>
internal sealed class GatherSurvey
{
    /// <summary>Of tables whose rows are brought together.</summary>
    public List<TableUse> Uses { get; } = [];

    /// <summary>Of tables that stay where they are.</summary>
    public List<TableUse> Others { get; } = [];

    public List<Directory.QualifiedName> Views { get; } = [];

    /// <summary>Every name that a column reference or USING has, in any part.</summary>
    public HashSet<string> Names { get; } = new(StringComparer.Ordinal);

    /// <summary>t in t.*.</summary>
    public HashSet<string> StarNames { get; } = new(StringComparer.Ordinal);

    /// <summary>Unqualified names by themselves, which may be those of whole rows.</summary>
    public List<LoneName> LoneNames { get; } = [];

    /// <summary>Names by which views are known in the statement.</summary>
    public HashSet<string> ViewNames { get; } = new(StringComparer.Ordinal);

    /// <summary>Names of all columns of all tables whose columns are known here.</summary>
    public HashSet<string> ColumnNames { get; } = new(StringComparer.Ordinal);

    /// <summary>The first reason not to gather.</summary>
    public RefusedPlan? Refusal { get; private set; }

    public void Refuse(string reason, string? hint) => Refusal ??= Refusals.Of(reason, hint ?? Refusals.KeyHint);

    /// <summary>Columns of a use that the statement can need; when in doubt, one more.</summary>
    public ImmutableArray<string> ColumnsOf(TableUse use)
    {
        var all = use.NeedsAllColumns || StarNames.Contains(use.Name) || LoneNames.Exists(lone => IsRowOf(lone, use));
        return [.. use.Relation.Relation!.Columns.Where(column => all || Names.Contains(column.Name)).Select(static column => column.Name)];
    }

    /// <summary>Rows as values keep their parts, but not their type's name, so only what looks at the parts alone may have them.</summary>
    public void CheckWholeRows()
    {
        foreach (var lone in LoneNames)
        {
            if (lone.LooksAtParts || ColumnNames.Contains(lone.Name))
                continue;
            if (ViewNames.Contains(lone.Name) || Uses.Exists(use => IsRowOf(lone, use)))
            {
                Refuse(
                    $"\"{lone.Name}\" stands for a whole row, whose type would be another one where the rows of several shards are brought together",
                    "Name the columns, or use row_to_json() or to_jsonb().");
            }
        }
    }

    private static bool IsRowOf(LoneName lone, TableUse use) => use.Pushed is null && string.Equals(lone.Name, use.Name, StringComparison.Ordinal);

    /// <param name="LooksAtParts">It stands where a row's type does not matter.</param>
    public readonly record struct LoneName(string Name, bool LooksAtParts);
}
