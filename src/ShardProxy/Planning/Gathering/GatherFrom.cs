using System.Runtime.CompilerServices;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>Walks FROM: puts temporary tables and views' queries in their places, and finds which conditions cut down which table.</summary>
internal sealed class GatherFrom(GatherWalker walker)
{
    /// <summary>Views of views; a deeper nest is a ring or an accident.</summary>
    private const int MaxViewDepth = 100;

    private readonly HashSet<FromTable> _spliced = new(ReferenceEqualityComparer.Instance);

    private GatherSurvey Survey => walker.Context.Survey;

    /// <returns>The sharded tables directly in the query's FROM.</returns>
    public List<TableUse> Walk(Select select, GatherScope? scope, bool isExists)
    {
        var tables = new List<TableUse>();
        var filters = new TableFilters(select, walker, walker.Context.Names.SystemFirst);
        foreach (var item in select.From)
            filters.AddItem(Walk(item, scope, tables, filters));
        // PostgreSQL makes joins of most EXISTS.
        filters.AssumeWhere(select.Where, isCorrelated: !isExists);
        return tables;
    }

    /// <summary>TABLE t has no place for an alias.</summary>
    public void SpliceTableCommand(Select select)
    {
        if (select.From is not [FromTable table] || !_spliced.Contains(table))
            return;
        var bytes = walker.Text.Bytes;
        var (second, last) = TextTokens.Before(bytes, walker.Text.Start, table.Location);
        var keyword = TextTokens.IsWord(bytes, last, "table"u8) ? last : second;
        if (TextTokens.IsWord(bytes, keyword, "table"u8))
            walker.Text.Replace(keyword.Start.Value, keyword.End.Value, "SELECT * FROM");
        else
            Survey.Refuse("TABLE is written in a way that is not followed here", "Write SELECT * FROM.");
    }

    /// <returns>The tables of the item whose rows a condition over the item may cut down.</returns>
    private List<TableUse> Walk(FromItem item, GatherScope? scope, List<TableUse> tables, TableFilters filters)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (item)
        {
            case FromTable table:
                return Walk(table, scope, tables, filters);
            case FromQuery query:
                var known = Survey.Uses.Count;
                if (query.Lateral || walker.Pusher?.TryPush(query.Query, scope, walker.IsInCommonTable) != true)
                    walker.Walk(query.Query, scope);
                return Inside(known, filters);
            case FromFunction function:
                walker.WalkAll(function.Calls, scope);
                break;
            case FromJoin join:
                return Walk(join, scope, tables, filters);
        }
        return [];
    }

    private List<TableUse> Walk(FromJoin join, GatherScope? scope, List<TableUse> tables, TableFilters filters)
    {
        var before = tables.Count;
        var left = Walk(join.Left, scope, tables, filters);
        var right = Walk(join.Right, scope, tables, filters);
        foreach (var name in join.Using)
            Survey.Names.Add(name);
        if (join.Natural || join.Alias is not null || join.UsingAlias is not null)
        {
            for (var index = before; index < tables.Count; index++)
                tables[index].NeedsAllColumns = true;
        }
        walker.Walk(join.On, scope);
        // ON cuts down the side that the join may fill up with NULL, and only that.
        filters.Assume(
            join.On,
            [.. join.Form is JoinForm.Inner or JoinForm.Right ? left : [], .. join.Form is JoinForm.Inner or JoinForm.Left ? right : []],
            new JoinNames(join));
        // Names inside of a join with an alias are hidden, and may be those of other tables outside.
        return join.Alias is not null ? [] : [.. join.Form is JoinForm.Inner or JoinForm.Left ? left : [], .. join.Form is JoinForm.Inner or JoinForm.Right ? right : []];
    }

    private List<TableUse> Walk(FromTable table, GatherScope? scope, List<TableUse> tables, TableFilters filters)
    {
        if (table.Sample is { } sample)
            walker.WalkAll(sample, scope);
        if (table.Name.Schema is null && scope?.Contains(table.Name.Name) == true)
            return [];
        var relation = walker.Context.Names.Resolve(table.Name);
        foreach (var column in relation.Relation?.Columns ?? [])
            Survey.ColumnNames.Add(column.Name);
        if (!walker.Context.IsSpliced(relation))
        {
            if (walker.Context.Server is not null)
                Survey.Refuse($"\"{table.Name.Name}\" is nothing whose rows can be read for another server", null);
            if (!walker.MayStay(table))
                Survey.Refuse($"a view reads \"{table.Name.Name}\", a name that could mean something else in this statement", null);
            if (relation is not { Class: RelationClass.Reference or RelationClass.Home, Relation: not null })
                return [];
            var other = new TableUse(table, relation) { IsRead = false };
            Survey.Others.Add(other);
            return table.Sample is null ? [other] : [];
        }
        if (relation.Relation is null)
        {
            Survey.Refuse($"the columns of \"{table.Name.Name}\" are not known", null);
            return [];
        }
        var end = table.Location < 0 ? -1 : TextTokens.EndOfName(walker.Text.Bytes, table.Location, 3);
        if (end < 0)
        {
            Survey.Refuse($"\"{table.Name.Name}\" is written in a way that is not followed here", "Write the name without U&.");
            return [];
        }
        if (walker.Context.IsExpanded(relation))
        {
            var known = Survey.Uses.Count;
            SpliceView(table, relation, end);
            return Inside(known, filters);
        }
        var use = new TableUse(table, relation) { NeedsAllColumns = !table.ColumnNames.IsEmpty, IsShared = walker.IsInCommonTable };
        _spliced.Add(table);
        Survey.Uses.Add(use);
        tables.Add(use);
        walker.Text.Replace(table.Location, end, use);
        Alias(table, end);
        // A sample is taken before any condition is looked at.
        return table.Sample is null ? [use] : [];
    }

    /// <summary>Tables inside of a subquery or view, which a condition on its columns may cut down where it can be followed to theirs.</summary>
    private List<TableUse> Inside(int known, TableFilters filters)
    {
        if (walker.Context.Analysis.Findings is not { VolatileFunction: null, HomeFunction: null, Traits: Traits.None })
            return [];
        // A sample is taken before any condition is looked at.
        var inside = Survey.Uses.Skip(known).Where(static use => !use.IsShared && use.Item.Sample is null).ToList();
        filters.AddInside(inside);
        return inside;
    }

    private void SpliceView(FromTable table, ResolvedRelation view, int end)
    {
        if (table.Only || walker.ViewDepth >= MaxViewDepth || !walker.Context.Names.SystemFirst)
        {
            Survey.Refuse($"the view \"{view.Name.Name}\" over several shards cannot be read here", "Keep pg_catalog first in search_path, and leave out ONLY.");
            return;
        }
        if ((walker.Context.Analysis.ViewQueries.GetValueOrDefault(table) ?? GatherContext.QueryOf(view)) is not { } query)
        {
            Survey.Refuse($"the definition of the view \"{view.Name.Name}\" cannot be read", null);
            return;
        }
        if (walker.ViewDepth == 0 && !Survey.Views.Contains(view.Name))
            Survey.Views.Add(view.Name);
        Survey.ViewNames.Add(table.Alias ?? table.Name.Name);
        var definition = System.Text.Encoding.UTF8.GetBytes(view.Relation!.ViewDefinition!.TrimEnd().TrimEnd(';'));
        var text = new SplicedText(definition, 0, definition.Length);
        var inner = new GatherWalker(walker.Context, text, SourceText.OfView(view.Relation.ViewDefinition!), walker.ViewDepth + 1) { IsInCommonTable = walker.IsInCommonTable };
        inner.Walk(query, null);
        _spliced.Add(table);
        walker.Text.Replace(table.Location, end, text);
        Alias(table, end);
    }

    /// <summary>The new name must go by the old one. Old syntax may have a star behind the name.</summary>
    private void Alias(FromTable table, int end)
    {
        var next = TextTokens.SkipSpace(walker.Text.Bytes, end);
        if (next < walker.Text.Bytes.Length && walker.Text.Bytes[next] == '*')
        {
            walker.Text.Replace(next, next + 1, "");
            end = next + 1;
        }
        if (table.Alias is not null)
            return;
        var (_, last) = TextTokens.Before(walker.Text.Bytes, walker.Text.Start, table.Location);
        if (table.Only && !TextTokens.IsWord(walker.Text.Bytes, last, "only"u8))
        {
            // ONLY (t): the alias stands behind the parenthesis.
            end = TextTokens.SkipSpace(walker.Text.Bytes, end) + 1;
        }
        walker.Text.Replace(end, end, $" AS {Identifiers.QuoteAlways(table.Name.Name)}");
    }
}
