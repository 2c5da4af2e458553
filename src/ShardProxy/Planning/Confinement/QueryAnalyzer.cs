using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Analyses queries as wholes: WITH, set operations, VALUES, and how a query's rows look to the query around it.</summary>
internal sealed class QueryAnalyzer(StatementAnalysis analysis)
{
    /// <param name="place">The columns and facts around the query.</param>
    public RowsOfQuery Analyze(Query query, Place place)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        var inside = place with { Facts = new FactScope(place.Facts), Tables = Declare(query.With, place), Subqueries = new(ReferenceEqualityComparer.Instance) };
        var rows = query switch
        {
            Select select => analysis.Selects.Analyze(select, inside),
            SetOperation operation => AnalyzeSetOperation(operation, inside),
            ValuesQuery values => AnalyzeValues(values, inside),
            _ => analysis.Writes.Analyze(query, inside),
        };
        if (query is RowQuery { Locks: true } locking)
        {
            analysis.Findings.Locks = true;
            analysis.Findings.LocksOthers |= !locking.LockClauses.All(clause => locking is Select select && select.From.All(item => LocksSharded(clause, item)));
        }
        if (query.With is not null)
            FinishUnreferenced(inside, place.Tables);
        return rows;
    }

    /// <summary>The query as a table of another: its columns, and in <paramref name="facts"/> what its rows say about them.</summary>
    /// <param name="joined">Its rows are joined by conditions that all must hold, so facts pass both ways.</param>
    public ColumnList AsItem(Query query, Place place, FactScope facts, bool joined) =>
        AsItem(Analyze(query, place with { Facts = facts }), facts, joined);

    // A name of WITH is passed by, as PostgreSQL does.
    private bool LocksSharded(LockClause clause, FromItem item) => item switch
    {
        FromJoin { Alias: null } join => LocksSharded(clause, join.Left) && LocksSharded(clause, join.Right),
        FromTable table => !IsMeant(clause, table.Alias ?? table.Name.Name) || analysis.Names.Resolve(table.Name).Class == RelationClass.Sharded,
        _ => !IsMeant(clause, item.Alias ?? ""),
    };

    private static bool IsMeant(LockClause clause, string name) => clause.Of.IsEmpty || clause.Of.Contains(name);

    /// <summary>A name that WITH gave, used as a table.</summary>
    public ColumnList Reference(CommonTableEntry entry, FactScope facts)
    {
        entry.Referenced = true;
        var names = entry.Table.ColumnNames;
        if (entry.Rows is not null)
        {
            var shown = AsItem(entry.Rows, facts, joined: false, isWritten: entry.Table.Query is not RowQuery);
            if (entry.Table.Query is not RowQuery)
                NoteWrittenRows(entry, shown, facts);
            return shown.Rename(names);
        }
        if (entry.InProgress)
            return ColumnList.Unknown;
        entry.InProgress = true;
        var place = new Place(entry.Outer ?? new ColumnScope(null), facts, entry.Inside, entry.Source);
        var columns = entry.Recursive && entry.Table.Query is SetOperation { Operator: SetOperator.Union } recursive && MayNameItself(entry)
            ? Recursive(entry, recursive, place)
            : AsItem(entry.Table.Query, place, facts, joined: true);
        entry.InProgress = false;
        return (entry.Table.Extends ? columns with { Complete = false } : columns).Rename(names);
    }

    private void NoteWrittenRows(CommonTableEntry entry, ColumnList shown, FactScope facts)
    {
        var hasKey = false;
        for (var index = 0; index < shown.Columns.Length; index++)
        {
            if (entry.Rows!.Columns[index].Variable is not { IsKey: true } || shown.Columns[index].Variable is not { } key
                || !analysis.WriteTargets.TryGetValue(entry.Table.Query, out var target) || target is not { Class: RelationClass.Sharded, Relation: { } relation, Distribution.ZoneColumn: null }
                || !RelationAnalyzer.TryKeyType(relation, target.Distribution!, out var type, out _))
            {
                continue;
            }
            hasKey = true;
            analysis.Findings.WrittenRows.Add(new ShardedInstance(target.Distribution!, key, type, facts));
            break;
        }
        analysis.Findings.UsesWrittenRowsWithoutKey |= !hasKey;
    }

    private static bool MayNameItself(CommonTableEntry entry) => entry.Inside.Entries.Contains(entry);

    private static ColumnList AsItem(RowsOfQuery rows, FactScope facts, bool joined, bool isWritten = false)
    {
        if (joined && rows.FromRows)
            facts.Facts.Add(new Imported(rows.Scope));
        var columns = ImmutableArray.CreateBuilder<ColumnBinding>(rows.Columns.Length);
        foreach (var column in rows.Columns)
        {
            if (column.Variable is not null && column.Passes && joined && rows.FromRows)
            {
                columns.Add(new ColumnBinding(column.Name, column.Variable, column.Nullable));
                continue;
            }
            ColumnVariable? shown = null;
            if (SourceOf(column, rows.Scope) is { } source)
            {
                var sources = new DrawSources(rows.Recursive);
                sources.Sources.Add(source);
                shown = Shown(column);
                facts.Facts.Add(new DrawnFrom(shown, sources) { IsWritten = isWritten });
            }
            columns.Add(new ColumnBinding(column.Name, shown, column.Nullable));
        }
        return new ColumnList(columns.MoveToImmutable(), rows.Complete);
    }

    private static ColumnVariable Shown(RowsColumn column) =>
        new(column.Name, column.Variable?.TypeOid ?? 0, column.Variable?.TypeModifier ?? -1, column.Family);

    private static DrawSource? SourceOf(RowsColumn column, FactScope scope)
    {
        if (column.Family == ValueFamily.Other)
            return null;
        if (column.Variable is not null)
            return new DrawSource(column.Variable, scope, []);
        return column.Values.IsDefault ? null : new DrawSource(null, null, column.Values);
    }

    private CommonTableScope? Declare(WithClause? with, Place place)
    {
        var scope = place.Tables;
        if (with is null)
            return scope;
        // Without RECURSIVE a query sees only the names before its own.
        var shared = with.Recursive ? new CommonTableScope(place.Tables) : null;
        foreach (var table in with.Tables)
        {
            var inside = shared ?? scope ?? new CommonTableScope(null);
            var entry = new CommonTableEntry(table, inside, place.Columns, place.Source, with.Recursive);
            if (shared is null)
            {
                scope = new CommonTableScope(scope);
                scope.Add(entry);
            }
            else
            {
                shared.Add(entry);
            }
        }
        scope = shared ?? scope;
        // A write runs once, referenced or not, and all its rows matter.
        foreach (var table in with.Tables)
        {
            if (table.Query is not RowQuery && scope!.Find(table.Name) is { } entry)
                entry.Rows = Analyze(table.Query, place with { Facts = new FactScope(null), Tables = entry.Inside });
        }
        return scope;
    }

    /// <summary>PostgreSQL does not run a SELECT that nothing references, but checks it; and its functions and tables are the statement's.</summary>
    /// <param name="outer">The names around the query, which are another's.</param>
    private void FinishUnreferenced(Place place, CommonTableScope? outer)
    {
        // Innermost first, as a name's query may reference those before it.
        for (var scope = place.Tables; scope is not null && !ReferenceEquals(scope, outer); scope = scope.Parent)
        {
            foreach (var entry in scope.Entries)
            {
                if (!entry.Referenced && entry.Rows is null)
                    Reference(entry, new FactScope(null));
            }
        }
    }

    private RowsOfQuery AnalyzeSetOperation(SetOperation operation, Place place)
    {
        var left = Analyze(operation.Left, place);
        var right = Analyze(operation.Right, place);
        analysis.Walk(operation.Order, place);
        analysis.Walk(operation.Limits, place);
        // What the rows of both sides are drawn from is for the outside: a side by itself knows more of its own rows.
        var outward = new FactScope(place.Facts);
        var limited = !operation.Limits.IsEmpty || operation.Locks;
        var columns = ImmutableArray.CreateBuilder<RowsColumn>();
        for (var index = 0; index < Math.Min(left.Columns.Length, right.Columns.Length); index++)
            columns.Add(Combine(operation.Operator, left, right, index, outward, limited));
        return new RowsOfQuery(outward, columns.ToImmutable(), left.Complete && right.Complete, FromRows: true);
    }

    /// <summary>
    /// Rows are compared as wholes, so rows with different values in a column do not meet: leaving out rows by the value
    /// of one column changes nothing about the others, in UNION, INTERSECT and EXCEPT alike.
    /// </summary>
    private static RowsColumn Combine(SetOperator form, RowsOfQuery left, RowsOfQuery right, int index, FactScope facts, bool limited)
    {
        var (a, b) = (left.Columns[index], right.Columns[index]);
        var nothing = new RowsColumn(a.Name, null, default, Passes: false, ValueFamily.Other, Nullable: true);
        if (!TypeIds.Compare(a.Family, b.Family) || TakesNumeric(a, b) || TakesNumeric(b, a))
            return nothing;
        var family = a.Family == ValueFamily.Any ? b.Family : a.Family;
        var shown = new ColumnVariable(a.Name, a.Variable?.TypeOid == b.Variable?.TypeOid ? a.Variable?.TypeOid ?? 0 : 0, -1, family);
        foreach (var (rows, column) in ((RowsOfQuery, RowsColumn)[])[(left, a), (right, b)])
        {
            if (column.Variable is not null && column.Passes && rows.FromRows)
                rows.Scope.Facts.Add(new SameValue(shown, column.Variable, NotNull: false));
        }
        var sources = new DrawSources(recursive: false);
        var first = SourceOf(a, left.Scope);
        var second = SourceOf(b, right.Scope);
        if (first is not null && (form != SetOperator.Union || second is not null))
        {
            sources.Sources.Add(first.Value);
            if (form == SetOperator.Union)
                sources.Sources.Add(second!.Value);
            facts.Facts.Add(new DrawnFrom(shown, sources));
        }
        var passes = !limited && (a.Passes || a.Variable is null) && (b.Passes || b.Variable is null);
        return new RowsColumn(a.Name, shown, default, passes, family, a.Nullable || b.Nullable);
    }

    /// <summary>A quoted literal above or below a numeric is read as one, and not as the key's type.</summary>
    private static bool TakesNumeric(RowsColumn literal, RowsColumn other) =>
        literal.Family == ValueFamily.Any && other.Family == ValueFamily.Number && !TypeIds.IsInteger(other.Variable?.TypeOid ?? 0);

    /// <summary>
    /// Each round's rows come from the first part, or from the second and the rows of the round before: what holds for the
    /// first part, and for the second if it holds for the round before, holds for all.
    /// </summary>
    private ColumnList Recursive(CommonTableEntry entry, SetOperation query, Place place)
    {
        var tables = Declare(query.With, place);
        var first = Analyze(query.Left, place with { Facts = new FactScope(place.Facts), Tables = tables });
        var self = new CommonTableEntry(entry.Table with { Extends = false }, entry.Inside, entry.Outer, entry.Source, recursive: false) { Referenced = true };
        var sources = first.Columns.Select(static _ => new DrawSources(recursive: true)).ToArray();
        var rounds = new FactScope(null);
        var earlier = first.Columns.Select(static column => Shown(column)).ToArray();
        self.Rows = new RowsOfQuery(
            rounds,
            [.. first.Columns.Select((column, index) => column with { Variable = column.Family == ValueFamily.Other ? null : earlier[index], Values = default, Passes = false, Nullable = true })],
            first.Complete,
            FromRows: true,
            Recursive: true);
        var inside = new CommonTableScope(tables);
        inside.Add(self);
        var second = Analyze(query.Right, place with { Facts = new FactScope(place.Facts), Tables = inside });
        analysis.Walk(query.Limits, place);

        var columns = ImmutableArray.CreateBuilder<ColumnBinding>();
        for (var index = 0; index < first.Columns.Length; index++)
        {
            var column = first.Columns[index];
            var step = index < second.Columns.Length ? second.Columns[index] : null;
            var from = SourceOf(column, first.Scope);
            var next = step is null || !TypeIds.Compare(step.Family, column.Family) || TakesNumeric(step, column) || TakesNumeric(column, step) ? null : SourceOf(step, second.Scope);
            ColumnVariable? shown = null;
            if (from is not null && next is not null)
            {
                sources[index].Sources.Add(from.Value);
                sources[index].Sources.Add(next.Value);
                rounds.Facts.Add(new DrawnFrom(earlier[index], sources[index]));
                shown = Shown(column);
                place.Facts.Facts.Add(new DrawnFrom(shown, sources[index]));
            }
            columns.Add(new ColumnBinding(column.Name, shown, Nullable: true));
        }
        return new ColumnList(columns.ToImmutable(), first.Complete);
    }

    private RowsOfQuery AnalyzeValues(ValuesQuery values, Place place)
    {
        foreach (var row in values.Rows)
            analysis.Walk(row, place);
        analysis.Walk(values.Order, place);
        analysis.Walk(values.Limits, place);
        var width = values.Rows[0].Length;
        var columns = ImmutableArray.CreateBuilder<RowsColumn>(width);
        for (var index = 0; index < width; index++)
        {
            var column = index;
            var operands = analysis.Operands.Values(values.Rows.Where(row => column < row.Length).Select(row => row[column]), place);
            var name = System.FormattableString.Invariant($"column{index + 1}");
            columns.Add(operands is null
                ? new RowsColumn(name, null, default, Passes: false, ValueFamily.Other, Nullable: true)
                : new RowsColumn(name, null, [.. operands], Passes: false, SelectAnalyzer.FamilyOf(operands), Nullable: true));
        }
        return new RowsOfQuery(place.Facts, columns.MoveToImmutable(), Complete: true, FromRows: true);
    }
}
