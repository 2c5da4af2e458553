using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// What a join's ON can name: the items that it joins, and not the others of the same FROM, in whose place a name would be
/// an outer query's.
/// </summary>
internal sealed class JoinNames
{
    private readonly HashSet<FromTable> _tables = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _aliases = new(StringComparer.Ordinal);

    public JoinNames(FromJoin join) => Add(join);

    /// <summary>Whether a column that has been found among all items of FROM surely is one of the join's.</summary>
    /// <param name="origin">The table that it has been found to be of.</param>
    public bool Knows(ColumnReference column, FromTable origin) =>
        _tables.Contains(origin) || (column.Names.Length == 2 && _aliases.Contains(column.Names[0]));

    private void Add(FromItem item)
    {
        switch (item)
        {
            case FromJoin join:
                Add(join.Left);
                Add(join.Right);
                break;
            case FromTable table:
                _tables.Add(table);
                _aliases.Add(table.Alias ?? table.Name.Name);
                break;
        }
        if (item.Alias is not null)
            _aliases.Add(item.Alias);
    }
}
