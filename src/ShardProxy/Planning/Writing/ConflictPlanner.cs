using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Plans an ON CONFLICT that goes by a global index; leaves it to be refused where the row in conflict could not be found beforehand.</summary>
internal sealed class ConflictPlanner(Insert insert, ValuesQuery values, InsertText text, ResolvedRelation target, Names names)
{
    /// <param name="isVolatile">Some function of the statement may give another value when it is called again.</param>
    public GlobalConflict? TryPlan(bool isVolatile)
    {
        if (target is not { Relation: { HasTriggers: false } table, Distribution: { KeyColumn: { } key } distribution } || insert.OverridesUserValues
            || insert.OnConflict is not { } conflict || !RelationAnalyzer.TryKeyType(table, distribution, out var keyType, out _)
            // The row in conflict has another key.
            || conflict.Updates.Any(update => distribution.IsKeyColumn(update.Column) && !IsItself(update)))
        {
            return null;
        }
        var isAny = conflict is { Columns.IsEmpty: true, Constraint: null };
        var indexes = ImmutableArray.CreateBuilder<ConflictIndex>();
        foreach (var index in isAny ? table.GlobalIndexes : [GlobalIndexWrites.ArbiterOf(conflict, table)!])
        {
            if (!index.IsPlain || RowsOf(table, [.. index.Columns, key], isVolatile) is not { } rows)
                return null;
            indexes.Add(new ConflictIndex(index.Id, rows));
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

    private ImmutableArray<ImmutableArray<ConflictValue>>? RowsOf(Relation table, IReadOnlyList<string> columns, bool isVolatile)
    {
        var rows = ImmutableArray.CreateBuilder<ImmutableArray<ConflictValue>>(values.Rows.Length);
        for (var row = 0; row < values.Rows.Length; row++)
        {
            if (text.ValuesOf(row, values.Rows[row].Length) is not { } stretches)
                return null;
            var found = ImmutableArray.CreateBuilder<ConflictValue>(columns.Count);
            foreach (var name in columns)
            {
                if (table.FindColumn(name) is not { IsGenerated: false } column || ValueOf(table, column, values.Rows[row], stretches, isVolatile) is not { } value)
                    return null;
                found.Add(value);
            }
            rows.Add(found.MoveToImmutable());
        }
        return rows.MoveToImmutable();
    }

    private ConflictValue? ValueOf(Relation table, Column column, ImmutableArray<Expression> row, ImmutableArray<TextSpan> stretches, bool isVolatile)
    {
        var ordinal = insert.Columns.IsEmpty ? IndexOf(table, column) : insert.Columns.IndexOf(column.Name);
        if (ordinal < 0 || ordinal >= row.Length || row[ordinal] is DefaultValue)
        {
            return column is { IsIdentity: false, Sequence: 0 } && SteadyDefaults.IsSteady(column.Default, names) && (column.HasDefault == column.Default is not null)
                ? new ConflictValue(null, column.Default ?? "NULL")
                : null;
        }
        // It is computed twice: when it is looked for, and when its row is stored.
        return (isVolatile && !IsPlain(row[ordinal])) || Subqueries.AreIn(row[ordinal]) ? null : new ConflictValue(new TextStretch(stretches[ordinal].Start, stretches[ordinal].End));
    }

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
