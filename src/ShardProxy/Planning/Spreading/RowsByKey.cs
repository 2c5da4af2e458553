using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>Whether each row that a SELECT gives comes of rows with one value of a key (and of its zone), so that no two shards' rows make one.</summary>
internal static class RowsByKey
{
    /// <summary>DISTINCT compares whole rows: two shards have none in common when the key is in them.</summary>
    public static bool AreDistinct(Select select, Place block, ShardedInstance anchor) => anchor.PartingColumns.All(column => AreDistinct(select, block, column));

    private static bool AreDistinct(Select select, Place block, ColumnVariable key) =>
        !select.IsDistinct || (select.DistinctOn.IsEmpty
            ? Shown(select, block, key).Count > 0
            : select.DistinctOn.Any(expression => expression is ColumnReference column && ReferenceEquals(block.Columns.Resolve(column).Variable, key)));

    /// <summary>DISTINCT, ORDER BY, LIMIT and row locks are not looked at.</summary>
    public static bool AreApart(Select select, Place block, ShardedInstance anchor, StatementAnalysis analysis)
    {
        if (select.Groups.IsEmpty && !select.HasGroupingSets && Aggregates.AreUsed(select))
            return false;
        if (Aggregates.MayBelongOutside(select, analysis))
            return false;
        var passing = new PassingColumns(select with { Limits = [], Locks = false, DistinctOn = [] }, block);
        return anchor.PartingColumns.All(key => passing.Contains(key, -1) || Shown(select, block, key).Exists(position => passing.Contains(key, position)));
    }

    /// <summary>Positions of the outputs that are the key, before the first star.</summary>
    private static List<int> Shown(Select select, Place block, ColumnVariable key)
    {
        var positions = new List<int>();
        for (var position = 0; position < select.Outputs.Length; position++)
        {
            if (select.Outputs[position].Value is not ColumnReference column)
                continue;
            if (column.IsStar)
            {
                if (column.Names.IsEmpty || (block.Columns.TryTable(column.Names[^1], out var table) && table.Columns.Columns.Any(own => ReferenceEquals(own.Variable, key))))
                    positions.Add(position);
                break;
            }
            if (ReferenceEquals(block.Columns.Resolve(column).Variable, key))
                positions.Add(position);
        }
        return positions;
    }
}
