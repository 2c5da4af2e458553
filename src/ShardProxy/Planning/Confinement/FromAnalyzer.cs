using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>
/// Analyses FROM. Which facts may cut down which side of a join: an inner join's ON, both; an outer join's ON, only the
/// side that it fills up with NULL, because every row of the other side passes.
/// </summary>
internal sealed class FromAnalyzer(StatementAnalysis analysis)
{
    /// <param name="place">Its columns are what LATERAL sees: the items to the left, and the outer queries.</param>
    /// <param name="outer">What an item that is not LATERAL sees.</param>
    /// <param name="facts">What holds for the item's rows.</param>
    public FromResult Analyze(FromItem item, Place place, ColumnScope? outer, FactScope facts)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        return item switch
        {
            FromTable table => Named(table, table.Name.Schema, table.Name.Name, Table(table, place, facts)),
            FromQuery query => Named(query, null, null, Query(query, place, outer, facts)),
            FromFunction function => Named(function, null, function.SingleColumn, Function(function, place with { Facts = facts })),
            FromJoin join => Join(join, place, outer, facts),
            _ => throw new InvalidOperationException(),
        };
    }

    private static FromResult Named(FromItem item, string? schema, string? name, ColumnList columns)
    {
        columns = columns.Rename(item.ColumnNames);
        var shown = item.Alias ?? name;
        // The schema of a name without one does not matter: s.t.c then means another table or an error.
        return new FromResult(shown is null ? [] : [new NamedTable(item.Alias is null ? schema : null, shown, columns)], columns);
    }

    private ColumnList Table(FromTable table, Place place, FactScope facts)
    {
        if (table.Sample is { } sample)
        {
            analysis.Walk(sample, place);
            analysis.Findings.Unspreadable ??= "TABLESAMPLE";
        }
        if (table.Name.Schema is null && place.Tables?.Find(table.Name.Name) is { } common)
            return analysis.Queries.Reference(common, facts);
        var relation = analysis.Resolve(table.Name);
        var columns = analysis.Relations.Read(relation, facts, table);
        if (relation.Class is RelationClass.Sharded or RelationClass.Reference or RelationClass.Home)
        {
            foreach (var column in columns.Columns)
            {
                if (column.Variable is { } variable)
                    analysis.Origins[variable] = table;
            }
        }
        return columns;
    }

    private ColumnList Query(FromQuery query, Place place, ColumnScope? outer, FactScope facts)
    {
        var columns = query.Lateral ? place.Columns : outer;
        return analysis.Queries.AsItem(query.Query, place with { Columns = columns ?? new ColumnScope(null) }, facts, joined: true);
    }

    private ColumnList Function(FromFunction function, Place place)
    {
        analysis.Walk(function.Calls, place);
        if (!function.Columns.IsEmpty)
            return new ColumnList([.. function.Columns.Select(static name => new ColumnBinding(name, null, Nullable: true))], Complete: true);
        return ColumnList.Unknown;
    }

    private FromResult Join(FromJoin join, Place place, ColumnScope? outer, FactScope facts)
    {
        // An inner join's ON is a condition like one in WHERE; an outer join's holds in a scope of its own.
        var on = join.Form == JoinForm.Inner ? facts : new FactScope(facts);
        var leftFacts = FactsOf(join.Form, JoinForm.Right, facts, on);
        var left = Analyze(join.Left, place, outer, leftFacts);
        var beside = new ColumnScope(place.Columns);
        beside.Add(left);
        var rightFacts = FactsOf(join.Form, JoinForm.Left, facts, on);
        var right = Analyze(join.Right, place with { Columns = beside }, outer, rightFacts);
        if (join.Form is JoinForm.Left or JoinForm.Full)
            facts.NullableSides.Add(new NullableSide(rightFacts, right.Variables()));
        if (join.Form is JoinForm.Right or JoinForm.Full)
            facts.NullableSides.Add(new NullableSide(leftFacts, left.Variables()));

        var columns = new ColumnScope(place.Columns);
        columns.Add(left);
        columns.Add(right);
        var merged = Merge(join, left.Columns, right.Columns, on);
        if (join.On is not null)
        {
            var condition = place with { Columns = columns, Facts = on };
            analysis.Conditions.Assume(join.On, condition);
            analysis.Walk(join.On, condition);
        }
        if (join.Form is JoinForm.Left or JoinForm.Full)
            right = right.AsNullable();
        if (join.Form is JoinForm.Right or JoinForm.Full)
            left = left.AsNullable();
        return Result(join, left, right, merged);
    }

    /// <summary>
    /// The scope of one side. What a query on a side says of its own rows does not hold where the join fills that side up
    /// with NULL, so in a FULL join each side has a scope that not even ON reaches.
    /// </summary>
    /// <param name="nullable">The join that fills up this side only.</param>
    private static FactScope FactsOf(JoinForm form, JoinForm nullable, FactScope facts, FactScope on)
    {
        if (form == nullable)
            return on;
        return form == JoinForm.Full ? new FactScope(facts) : facts;
    }

    /// <summary>The columns that USING or NATURAL merges; null when they cannot be known.</summary>
    private static List<ColumnBinding>? Merge(FromJoin join, ColumnList left, ColumnList right, FactScope on)
    {
        var columns = new List<ColumnBinding>();
        if (join.Natural && (!left.Complete || !right.Complete))
            return null;
        var shared = join.Natural
            ? left.Columns.Where(column => column.Name is not null && right.TryFind(column.Name, out _)).Select(static column => column.Name!)
            : join.Using;
        foreach (var name in shared)
        {
            left.TryFind(name, out var leftColumn);
            right.TryFind(name, out var rightColumn);
            if (leftColumn.Variable is { } a && rightColumn.Variable is { } b && TypeIds.Compare(a.Family, b.Family))
                on.Facts.Add(new SameValue(a, b));
            columns.Add(join.Form switch
            {
                JoinForm.Right => rightColumn with { Name = name },
                // COALESCE of both: neither column's value by itself.
                JoinForm.Full => new ColumnBinding(name, null, Nullable: true),
                _ => leftColumn with { Name = name },
            });
        }
        return columns;
    }

    private static FromResult Result(FromJoin join, FromResult left, FromResult right, List<ColumnBinding>? merged)
    {
        ColumnList all;
        if (merged is null)
        {
            all = ColumnList.Unknown;
        }
        else
        {
            var names = merged.Select(static column => column.Name).ToHashSet();
            var rest = left.Columns.Columns.Concat(right.Columns.Columns).Where(column => column.Name is null || !names.Contains(column.Name));
            all = new ColumnList([.. merged, .. rest], left.Columns.Complete && right.Columns.Complete);
        }
        if (join.Alias is not null)
        {
            all = all.Rename(join.ColumnNames);
            return new FromResult([new NamedTable(null, join.Alias, all)], all);
        }
        ImmutableArray<NamedTable> tables = [.. left.Tables, .. right.Tables];
        if (join.UsingAlias is not null)
            tables = tables.Add(new NamedTable(null, join.UsingAlias, merged is null ? ColumnList.Unknown : new ColumnList([.. merged], Complete: true)));
        return new FromResult(tables, all);
    }
}
