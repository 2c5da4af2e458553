namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <param name="Sql">How it is written where it can be seen: a column with its table's alias, or a whole grouped expression.</param>
internal sealed record ScopeColumn(string Sql, ValueKind Kind);

/// <summary>What can be named in an expression.</summary>
internal sealed class QueryScope(QueryScope? outer)
{
    public QueryScope? Outer => outer;

    public List<ScopeColumn> Columns { get; } = [];

    /// <summary>Expressions in which no two rows are equal; empty when there may be such rows.</summary>
    public List<string> Unique { get; } = [];

    /// <summary>False over groups, where a subquery could not name what it is given.</summary>
    public bool AllowsSubqueries { get; init; } = true;

    public int MaxRows { get; set; } = 1;

    /// <summary>Own columns of the kind; those of the queries around where there are none, or by chance.</summary>
    public ScopeColumn? Find(ValueKind kind, Choices choices)
    {
        var own = Columns.Where(column => column.Kind == kind).ToList();
        var around = outer?.Columns.Where(column => column.Kind == kind).ToList() ?? [];
        if (own.Count == 0 || (around.Count > 0 && choices.Once(4)))
            own = around;
        return own.Count == 0 ? null : choices.Pick(own);
    }
}
