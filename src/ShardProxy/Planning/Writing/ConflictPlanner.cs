using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Plans an ON CONFLICT that goes by a global index; leaves it to be refused where the row in conflict could not be found beforehand.</summary>
internal sealed class ConflictPlanner(Insert insert, ResolvedRelation target, Names names, CatalogSnapshot catalog)
{
    /// <summary>For the rows of VALUES.</summary>
    /// <param name="isVolatile">Some function of the statement may give another value when it is called again.</param>
    public GlobalConflict? TryPlan(ValuesQuery values, InsertText text, bool isVolatile) =>
        TryPlan((index, columns) => StretchesOf(values, text, columns, isVolatile) is { } rows ? index with { Rows = rows } : null);

    /// <summary>For rows that a query gives.</summary>
    /// <param name="given">The columns that it gives values, or whose values the proxy gives.</param>
    public GlobalConflict? TryPlan(Func<Column, bool> given) =>
        TryPlan((index, columns) => columns.TrueForAll(column => column is null || given(column) || HasSteadyDefault(column)) ? index : null);

    private GlobalConflict? TryPlan(Func<ConflictIndex, List<Column?>, ConflictIndex?> withRows)
    {
        if (target is not { Relation: { HasRowSecurity: false, ActsOnStatements: false } table, Distribution: { KeyColumn: { } key } distribution } || insert.OverridesUserValues
            || insert.OnConflict is not { } conflict || !RelationAnalyzer.TryKeyType(table, distribution, out var keyType, out _)
            // The row in conflict has another key.
            || conflict.Updates.Any(update => distribution.IsKeyColumn(update.Column) && !IsItself(update)))
        {
            return null;
        }
        var isAny = conflict is { Columns.IsEmpty: true, Constraint: null };
        var indexes = ImmutableArray.CreateBuilder<ConflictIndex>();
        foreach (var index in isAny ? table.GlobalIndexes : GlobalIndexWrites.ArbitersOf(conflict, table))
        {
            string[] used = [.. index.Columns, .. distribution.KeyColumns];
            if (!table.InsertTriggers.All(body => TriggerBody.Keeps(body, used, catalog)) || ColumnsOf(table, index, key) is not { } columns)
                return null;
            var known = new ConflictIndex(index.Id, index.Name, index.IsPlain, [.. columns.Select(static column => column is null ? new ConflictColumn(null) : new ConflictColumn(column.Name, column.Default ?? "NULL"))]);
            if (withRows(known, columns) is not { } found)
                return null;
            indexes.Add(found);
        }
        return new GlobalConflict(table.Name, keyType, indexes.ToImmutable())
        {
            Updates = !conflict.Updates.IsEmpty,
            SetsKeys = conflict.Updates.Any(update => table.GlobalIndexes.Any(index => index.Columns.Contains(update.Column))),
            IsAny = isAny,
        };
    }

    private bool IsItself(Assignment update) =>
        update.Value is ColumnReference { IsStar: false } value && value.Names[^1] == update.Column
        && (value.Names.Length == 1 || value.Names[^2] == (insert.Alias ?? insert.Target.Name));

    /// <summary>The columns whose values an entry is computed of, null for those that only fill up a row of the table; null when it cannot be.</summary>
    private static List<Column?>? ColumnsOf(Relation table, GlobalIndex index, string key)
    {
        if (index.IsPlain)
        {
            List<Column?> columns = [.. index.Columns.Append(key).Select(table.FindColumn)];
            return columns.TrueForAll(static column => column is { IsGenerated: false }) ? columns : null;
        }
        // Whether a domain takes NULL is not known.
        bool IsUsed(Column column) => index.Columns.Contains(column.Name) || column.Name == key || column.IsDomain;
        return table.Columns.Any(column => column.IsGenerated && IsUsed(column)) ? null : [.. table.Columns.Select(column => IsUsed(column) ? column : null)];
    }

    private ImmutableArray<ImmutableArray<TextStretch?>>? StretchesOf(ValuesQuery values, InsertText text, List<Column?> columns, bool isVolatile)
    {
        var rows = ImmutableArray.CreateBuilder<ImmutableArray<TextStretch?>>(values.Rows.Length);
        for (var row = 0; row < values.Rows.Length; row++)
        {
            if (text.ValuesOf(row, values.Rows[row].Length) is not { } stretches)
                return null;
            var found = ImmutableArray.CreateBuilder<TextStretch?>(columns.Count);
            foreach (var column in columns)
            {
                TextStretch? stretch = null;
                if (column is not null && !TryValue(column, values.Rows[row], stretches, isVolatile, out stretch))
                    return null;
                found.Add(stretch);
            }
            rows.Add(found.MoveToImmutable());
        }
        return rows.MoveToImmutable();
    }

    private bool TryValue(Column column, ImmutableArray<Expression> row, ImmutableArray<TextSpan> stretches, bool isVolatile, out TextStretch? stretch)
    {
        stretch = null;
        var ordinal = insert.Columns.IsEmpty ? IndexOf(target.Relation!, column) : insert.Columns.IndexOf(column.Name);
        if (ordinal < 0 || ordinal >= row.Length || row[ordinal] is DefaultValue)
            return HasSteadyDefault(column);
        stretch = new TextStretch(stretches[ordinal].Start, stretches[ordinal].End);
        // It is computed twice: when it is looked for, and when its row is stored.
        return (!isVolatile || IsPlain(row[ordinal])) && !Subqueries.AreIn(row[ordinal]);
    }

    private bool HasSteadyDefault(Column column) =>
        column is { IsIdentity: false, Sequence: 0 } && SteadyDefaults.IsSteady(column.Default, names) && (column.HasDefault == column.Default is not null);

    private static int IndexOf(Relation table, Column column)
    {
        for (var index = 0; index < table.Columns.Count; index++)
        {
            if (ReferenceEquals(table.Columns[index], column))
                return index;
        }
        return -1;
    }

    private static bool IsPlain(Expression expression) => expression is Constant or Parameter || (expression is TypeCast cast && IsPlain(cast.Operand));
}
