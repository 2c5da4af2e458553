using ShardProxy.Catalog;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>Gives the conditions of one query level to the tables that they cut down, so that fewer rows are brought together.</summary>
internal sealed class TableFilters(Select select, GatherWalker walker, bool systemFirst)
{
    private readonly List<TableUse> _where = [];
    private readonly KeyLinks? _links = walker.ViewDepth == 0 ? walker.Context.Links : null;

    // Merged columns are neither table's own.
    private readonly bool _merges = select.From.Any(Merges);

    /// <summary>Tables of an item of FROM whose rows WHERE may cut down.</summary>
    public void AddItem(List<TableUse> tables) => _where.AddRange(tables);

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
        _links?.Assume(condition, select, tables, names);
        AddConditions(condition, tables);
    }

    private void AddConditions(Expression condition, List<TableUse> tables)
    {
        if (condition is BooleanExpression { Connective: Connective.And } and)
        {
            foreach (var operand in and.Operands)
                AddConditions(operand, tables);
            return;
        }
        foreach (var table in tables)
        {
            if (new ConditionWriter(walker.Source, walker.Context.Planning.Catalog.AreShardsAlike, column => ColumnOf(column, table)).Write(condition) is { } written)
                table.Conditions.Add(written);
        }
    }

    private Column? ColumnOf(ColumnReference column, TableUse table)
    {
        if (column.IsStar || !table.Item.ColumnNames.IsEmpty || table.Relation.Relation!.FindColumn(column.Names[^1]) is not { } found)
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

    private static bool Merges(FromItem item) => item is FromJoin join
        && (join.Natural || !join.Using.IsEmpty || join.Alias is not null || Merges(join.Left) || Merges(join.Right));
}
