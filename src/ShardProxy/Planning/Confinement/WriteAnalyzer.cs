using System.Collections.Immutable;
using ShardProxy.Planning.Writing;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Analyses INSERT, UPDATE, DELETE and MERGE: which rows they touch, and that a row's key leads to the shard it is stored on.</summary>
internal sealed class WriteAnalyzer(StatementAnalysis analysis)
{
    public RowsOfQuery Analyze(Query query, Place place)
    {
        analysis.Findings.Traits |= Traits.Writes;
        return query switch
        {
            Insert insert => AnalyzeInsert(insert, place),
            Update update => AnalyzeUpdate(update, place),
            Delete delete => AnalyzeDelete(delete, place),
            Merge merge => AnalyzeMerge(merge, place),
            _ => throw new InvalidOperationException(),
        };
    }

    private RowsOfQuery AnalyzeInsert(Insert insert, Place place)
    {
        var target = analysis.Resolve(insert.Target);
        analysis.WriteTargets[insert] = target;
        var columns = new WriteTarget(analysis, target).Columns(instanceFacts: null, out _);
        if (target.Relation is { } relation && DrawsOnServer(insert, relation))
            analysis.Findings.Traits |= Traits.DrawsOnServer;
        ColumnList? source = null;
        if (insert.Source is ValuesQuery { With: null, Order.IsEmpty: true, Limits.IsEmpty: true } values)
        {
            foreach (var row in values.Rows)
                analysis.Walk(row, place);
        }
        else if (insert.Source is not null)
        {
            source = analysis.Queries.AsItem(insert.Source, place, place.Facts, joined: true);
        }
        if (target.Class == RelationClass.Sharded && target.Relation is not null)
        {
            analysis.Findings.RequiresKey = true;
            new InsertedKey(analysis, target, place).Add(insert, source);
        }
        var scope = new ColumnScope(place.Columns);
        scope.Add(Item(insert.Alias ?? insert.Target.Name, columns));
        if (insert.OnConflict is { } conflict)
            AnalyzeConflict(insert, conflict, target, columns, place with { Columns = scope });
        return Returning(insert.Returning, target, place with { Columns = scope, Facts = InsertedFacts(insert, target, columns, source, place) });
    }

    /// <summary>Some row leaves a column to a default that draws from a sequence.</summary>
    private static bool DrawsOnServer(Insert insert, Catalog.Relation table)
    {
        for (var index = 0; index < table.Columns.Count; index++)
        {
            if (table.Columns[index] is not { } column || (column.Sequence == 0 && column.Default?.Contains("nextval(", StringComparison.Ordinal) != true))
                continue;
            var ordinal = insert.Columns.IsEmpty ? index : insert.Columns.IndexOf(column.Name);
            if (ordinal < 0 || insert.Source is null || (insert.Source is ValuesQuery values && values.Rows.Any(row => ordinal >= row.Length || row[ordinal] is DefaultValue)))
                return true;
        }
        return false;
    }

    /// <summary>What is known of the rows that RETURNING shows; a row that DO UPDATE changed may have been there with another key.</summary>
    private FactScope InsertedFacts(Insert insert, ResolvedRelation target, ColumnList columns, ColumnList? source, Place place)
    {
        var facts = new FactScope(place.Facts);
        if (target is not { Class: RelationClass.Sharded, Relation: not null } || insert.OnConflict is { Updates.IsEmpty: false })
            return facts;
        foreach (var name in target.Distribution!.KeyColumns)
        {
            if (columns.TryFind(name, out var key) && key.Variable is not null
                && new InsertedKey(analysis, target, place).FactOf(key.Variable, insert, source) is { } fact)
            {
                facts.Facts.Add(fact);
            }
        }
        return facts;
    }

    private void AnalyzeConflict(Insert insert, ConflictAction conflict, ResolvedRelation target, ColumnList columns, Place place)
    {
        var scope = new ColumnScope(place.Columns);
        scope.Tables.Add(new NamedTable(null, "excluded", columns));
        var inside = place with { Columns = scope };
        analysis.Walk(conflict.Others, inside);
        analysis.Walk(conflict.Updates.Select(static update => update.Value), inside);
        if (target.Class != RelationClass.Sharded)
            return;
        if (target.Relation is { } table && GlobalIndexWrites.ArbiterOf(conflict, table) is { } index)
        {
            var keys = string.Join(", ", target.Distribution!.KeyColumns);
            analysis.Findings.RefuseGlobalConflict(
                $"ON CONFLICT cannot go by \"{index.Name}\" of \"{target.Name.Name}\", because the row in conflict may be on another shard",
                $"Name columns that contain {target.Distribution!.KeyText}: ON CONFLICT ({keys}, …); or INSERT, and catch the error 23505.");
        }
        // Both rows are on the shard already: the old one, and the new one by its key.
        bool IsOwn(Assignment update) => update.Value is ColumnReference { IsStar: false } value
            && value.Names[^1] == update.Column
            && (value.Names.Length == 1 || value.Names[^2] == "excluded" || value.Names[^2] == (insert.Alias ?? insert.Target.Name));
        AddAssigned(target, conflict.Updates.Where(update => !IsOwn(update)), null, place, StoredBy.Conflict);
    }

    private RowsOfQuery AnalyzeUpdate(Update update, Place place)
    {
        var (target, scope) = Target(update, update.Target, update.Alias, place);
        var inside = Joined(update.From, update.Where, place, scope);
        analysis.Walk(update.Assignments.Select(static assignment => assignment.Value), inside);
        if (target.Class == RelationClass.Sharded)
        {
            AddAssigned(target, update.Assignments, analysis.WriteBlocks[update].Target, inside, StoredBy.Update);
        }
        var changed = update.Assignments.Select(static assignment => assignment.Column).ToHashSet();
        return Returning(update.Returning, target, inside, changed);
    }

    private RowsOfQuery AnalyzeDelete(Delete delete, Place place)
    {
        var (target, scope) = Target(delete, delete.Target, delete.Alias, place);
        return Returning(delete.Returning, target, Joined(delete.Using, delete.Where, place, scope));
    }

    /// <summary>The target is like the nullable side of an outer join: source rows without a partner are inserted.</summary>
    private RowsOfQuery AnalyzeMerge(Merge merge, Place place)
    {
        var columns = new ColumnScope(place.Columns);
        var source = analysis.From.Analyze(merge.Source, place with { Columns = columns }, place.Columns, place.Facts);
        var on = new FactScope(place.Facts);
        var target = analysis.Resolve(merge.Target);
        analysis.WriteTargets[merge] = target;
        var targetColumns = new WriteTarget(analysis, target).Columns(on, out var instance);
        columns.Add(source);
        var unmatched = place with { Columns = columns };
        analysis.WriteBlocks[merge] = new WriteBlock(unmatched, null);
        var both = new ColumnScope(place.Columns);
        both.Add(source);
        both.Add(Item(merge.Alias ?? merge.Target.Name, targetColumns));
        var matched = place with { Columns = both, Facts = on };
        analysis.Conditions.Assume(merge.On, matched);
        analysis.Walk(merge.On, matched);
        foreach (var action in merge.Actions)
        {
            var at = action.Matched ? matched : unmatched;
            analysis.Walk(action.Condition, at);
            analysis.Walk(action.Values, at);
            analysis.Walk(action.Assignments.Select(static assignment => assignment.Value), at);
            if (target.Class != RelationClass.Sharded || target.Relation is null)
                continue;
            if (action.Verb == MergeVerb.Insert)
                new InsertedKey(analysis, target, at).Add(action);
            AddAssigned(target, action.Assignments, instance, at, StoredBy.Merge);
        }
        return new RowsOfQuery(place.Facts, [], Complete: false, FromRows: false);
    }

    /// <summary>A key that changes must stay on its shard, so the new value is bound like the old one.</summary>
    /// <param name="row">The row that is changed; null when nothing is known of it.</param>
    private void AddAssigned(ResolvedRelation target, IEnumerable<Assignment> assignments, ShardedInstance? row, Place place, StoredBy by)
    {
        var changed = assignments.Where(assignment => target.Distribution!.IsKeyColumn(assignment.Column)).ToList();
        if (changed.Count == 0)
            return;
        if (changed.Exists(static assignment => !assignment.IsWhole || assignment.Value is DefaultValue))
            analysis.Findings.StoredKeys.Add(new StoredKey(target.Distribution!, static () => null, by));
        else if (target.Relation is not null)
            new InsertedKey(analysis, target, place, by).AddChanged(name => changed.Find(assignment => assignment.Column == name)?.Value, row);
    }

    private (ResolvedRelation Target, ColumnScope Scope) Target(Query query, TableName name, string? alias, Place place)
    {
        var target = analysis.Resolve(name);
        analysis.WriteTargets[query] = target;
        var scope = new ColumnScope(place.Columns);
        scope.Add(Item(alias ?? name.Name, new WriteTarget(analysis, target).Columns(place.Facts, out var instance)));
        analysis.WriteBlocks[query] = new WriteBlock(place with { Columns = scope }, instance);
        return (target, scope);
    }

    private Place Joined(ImmutableArray<FromItem> items, Expression? where, Place place, ColumnScope scope)
    {
        var inside = place with { Columns = scope };
        foreach (var item in items)
            scope.Add(analysis.From.Analyze(item, inside, place.Columns, place.Facts));
        if (where is not null)
        {
            analysis.Conditions.Assume(where, inside);
            analysis.Walk(where, inside);
        }
        return inside;
    }

    private static FromResult Item(string name, ColumnList columns) => new([new NamedTable(null, name, columns)], columns);

    /// <summary>Of the rows returned only the key is what the conditions said: SET and triggers may have changed the rest.</summary>
    private RowsOfQuery Returning(ImmutableArray<OutputItem> outputs, ResolvedRelation target, Place place, HashSet<string>? changed = null)
    {
        var clocks = analysis.Findings.ClockSites.Count;
        analysis.Walk(outputs, place);
        // Put a constant there, and the column would have another name.
        analysis.Findings.ReadsHiddenClock |= analysis.Findings.ClockSites.Count > clocks;
        var (columns, complete) = analysis.Selects.Outputs(outputs, place, static (_, _) => false);
        return new RowsOfQuery(
            place.Facts,
            [.. columns.Select(column => column.Variable is { IsKey: true } variable && target.Distribution?.IsKeyColumn(variable.Name!) == true && changed?.Contains(variable.Name!) != true
                ? column
                : column with { Variable = null, Values = default, Family = ValueFamily.Other })],
            complete,
            FromRows: true);
    }
}
