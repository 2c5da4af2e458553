using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Planning.Spreading;

/// <summary>Finds the condition by which a global index leads to the rows of a query.</summary>
internal static class EntryLookups
{
    /// <summary>Null when there is none.</summary>
    /// <param name="anchor">The table by whose key the query's rows fall apart.</param>
    public static EntryLookup? Of(Place block, ShardedInstance anchor, CatalogSnapshot catalog)
    {
        // A key alone does not say where a row of a zone is.
        if (anchor.Table.ZoneColumn is not null || catalog.FindRelation(anchor.Table.Table) is not { GlobalIndexes.Count: > 0 } table || ColumnsOf(block, anchor, table) is not { } columns)
            return null;
        foreach (var index in table.GlobalIndexes)
        {
            if (!index.IsPlain || index.Columns.Count != 1 || table.FindColumn(index.Columns[0]) is not { DeterministicCollation: true } column || !TypeOid.IsKey(column.TypeOid)
                || columns.Columns.First(known => known.Variable!.Name == column.Name).Variable is not { } variable)
            {
                continue;
            }
            if (new KeySolver(new KeyType(column.TypeOid, column.TypeModifier), stored: false).Solve(variable, anchor.Scope) is KeyEquals value)
                return new EntryLookup(index.Id, value, anchor.KeyType);
        }
        return null;
    }

    /// <summary>The columns of the table itself, and of nothing else.</summary>
    private static ColumnList? ColumnsOf(Place block, ShardedInstance anchor, Relation table)
    {
        foreach (var named in block.Columns.Tables)
        {
            if (named.Columns.Columns.Length == table.Columns.Count
                && named.Columns.Columns.Any(column => ReferenceEquals(column.Variable, anchor.Key))
                && table.Columns.Select(static column => column.Name).SequenceEqual(named.Columns.Columns.Select(static column => column.Variable?.Name)))
            {
                return named.Columns;
            }
        }
        return null;
    }
}
