using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Where an expression stands: what its names mean and which facts hold there.</summary>
internal sealed record Place(ColumnScope Columns, FactScope Facts, CommonTableScope? Tables, SourceText Source)
{
    /// <summary>Columns of the subqueries of this place that have been looked at; by reference, each once.</summary>
    public Dictionary<SubqueryExpression, ColumnList> Subqueries { get; init; } = new(ReferenceEqualityComparer.Instance);
}

/// <summary>The names that WITH gives, innermost first.</summary>
internal sealed class CommonTableScope(CommonTableScope? parent)
{
    private readonly List<CommonTableEntry> _entries = [];

    public IReadOnlyList<CommonTableEntry> Entries => _entries;

    public void Add(CommonTableEntry entry) => _entries.Add(entry);

    public CommonTableEntry? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._entries.Find(entry => string.Equals(entry.Table.Name, name, StringComparison.Ordinal)) is { } found)
                return found;
        }
        return null;
    }

    public CommonTableScope? Parent { get; } = parent;
}

/// <param name="Table">What was written.</param>
/// <param name="Inside">Names that its query sees.</param>
internal sealed class CommonTableEntry(CommonTable table, CommonTableScope inside, ColumnScope? outer, SourceText source, bool recursive)
{
    public CommonTable Table { get; } = table;
    public CommonTableScope Inside { get; } = inside;
    public ColumnScope? Outer { get; } = outer;
    public SourceText Source { get; } = source;
    public bool Recursive { get; } = recursive;
    public bool Referenced { get; set; }
    public bool InProgress { get; set; }

    /// <summary>The rows that a write returns, or those of earlier rounds of a recursive query; null for a query that each reference runs anew.</summary>
    public RowsOfQuery? Rows { get; set; }
}
