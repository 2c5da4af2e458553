using ShardProxy.Catalog;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>Gives the conditions of one query level to the tables that they cut down, so that fewer rows are brought together.</summary>
internal sealed class TableFilters(Select select, GatherWalker walker, bool systemFirst)
{
    private readonly List<TableUse> _where = [];
    private readonly HashSet<FromTable> _inside = new(ReferenceEqualityComparer.Instance);
    private readonly KeyLinks? _links = walker.ViewDepth == 0 ? walker.Context.Links : null;

    // Merged columns are neither table's own.
    private readonly bool _merges = select.From.Any(Merges);

    /// <summary>Tables of an item of FROM whose rows WHERE may cut down.</summary>
    public void AddItem(List<TableUse> tables) => _where.AddRange(tables);

    /// <summary>Tables of an item that stand inside of it: columns of the item are followed to theirs.</summary>
    public void AddInside(IEnumerable<TableUse> tables) => _inside.UnionWith(tables.Select(static table => table.Item));

    /// <param name="isCorrelated">The query is done for each row around it, as far as can be seen.</param>
    public void AssumeWhere(Expression? where, bool isCorrelated)
    {
        Assume(where, _where, null);
        if (isCorrelated)
            _links?.NoteLookups(where, select, _where);
    }

    /// <summary>A row of the tables counts only if the condition is true.</summary>
    /// <param name="names">What the condition can name of FROM; null for all.</param>
    public void Assume(Expression? condition, List<TableUse> tables, JoinNames? names)
    {
        if (condition is null || tables.Count == 0 || !systemFirst)
            return;
        _links?.Assume(condition, select, tables, _inside, names);
        AddConditions(condition, tables, names);
    }

    private void AddConditions(Expression condition, List<TableUse> tables, JoinNames? names)
    {
        if (condition is BooleanExpression { Connective: Connective.And } and)
        {
            foreach (var operand in and.Operands)
                AddConditions(operand, tables, names);
            return;
        }
        foreach (var table in tables)
        {
            var isInside = _inside.Contains(table.Item);
            var writer = new ConditionWriter(walker.Source, walker.Context.Names, walker.Context.Planning.Catalog.AreShardsAlike, column => isInside ? InnerColumnOf(column, table, names) : ColumnOf(column, table)) { IsInside = isInside };
            if (writer.Write(condition) is { } written)
                table.Conditions.Add(written);
        }
    }

    private Column? ColumnOf(ColumnReference column, TableUse table)
    {
        if (column.IsStar || !table.Item.ColumnNames.IsEmpty || table.Pushed is not null || table.Find(column.Names[^1]) is not { } found)
            return null;
        // By itself a name is this table's: another table's column of that name would make it an error, unless the two are
        // merged, and an outer query's is hidden.
        return column.Names.Length switch
        {
            1 => _merges ? null : found,
            2 => string.Equals(column.Names[0], table.Name, StringComparison.Ordinal) ? found : null,
            _ => null,
        };
    }

    // The analysis shows an inner column outside only where leaving out its rows leaves out whole rows outside, by that value.
    private Column? InnerColumnOf(ColumnReference column, TableUse table, JoinNames? names)
    {
        var analysis = walker.Context.Analysis;
        if (column.IsStar || !analysis.Blocks.TryGetValue(select, out var block))
            return null;
        var binding = block.Columns.Resolve(column);
        return binding is { Nullable: false, Variable: { Name: { } name } variable }
            && analysis.Origins.TryGetValue(variable, out var origin)
            && ReferenceEquals(origin, table.Item)
            && names?.Knows(column, origin) != false
                ? table.Find(name)
                : null;
    }

    private static bool Merges(FromItem item) => item is FromJoin join
        && (join.Natural || !join.Using.IsEmpty || join.Alias is not null || Merges(join.Left) || Merges(join.Right));
}
