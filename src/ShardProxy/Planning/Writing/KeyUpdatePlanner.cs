using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Plans an UPDATE that assigns the key, or says why its rows must not be moved.</summary>
internal sealed class KeyUpdatePlanner(StatementAnalysis analysis, SourceText source, TextSpan range)
{
    private readonly Findings _findings = analysis.Findings;

    /// <summary>Null for a statement that is none.</summary>
    public Plan? TryPlan(Query query)
    {
        if (query is not Update update || _findings.Refusal is not null || !_findings.StoredKeys.Exists(static stored => stored.By == StoredBy.Update)
            || _findings.Written is not [{ Class: RelationClass.Sharded, Relation: { } table, Distribution: { KeyColumn: { } key } distribution } target]
            || !RelationAnalyzer.TryKeyType(table, distribution, out var keyType, out _))
        {
            return null;
        }
        if (ReasonAgainst(update, table) is { } reason)
            return Refusals.MovesRows(distribution, reason);
        var tokens = SqlTokens.Read(source.Bytes, range.Start, range.End);
        if (tokens is not { Count: > 0 } || UpdateText.Cut(update, tokens) is not { } text)
            return Refusals.MovesRows(distribution, "the text of SET could not be cut into one expression for each column");
        if (StatementClock.Edits(_findings.ClockSites, tokens) is not { } clocks)
            return Refusals.MovesRows(distribution, "it reads the clock in a way for which no constant can stand");
        if (KeysOf(update) is not { } keys)
            return Refusals.MovesRows(distribution, "other sharded tables in it are not joined to it by the key");
        var name = update.Alias ?? update.Target.Name;
        var stars = text.Stars(tokens).Select(star => new TextEdit(star, star + 1, $"{Identifiers.QuoteAlways(name)}.*"));
        return new WritePlan(keys, new KeyUpdateDraft(target.Name, distribution.Table, name, update.Alias is not null, [.. table.Columns.Where(static column => !column.IsGenerated)], key, keyType, text)
        {
            Edits = [.. clocks.Concat(stars).OrderBy(static edit => edit.Start)],
            MayHaveChildren = table.Kind == RelationKind.Table,
            Zone = RelationAnalyzer.ZoneTypeOf(table, distribution) is { } zone ? new ZoneColumn(distribution.ZoneColumn!, zone) : null,
        })
        {
            ReadsTimes = WritePlanner.MayReadTimes(_findings, source),
        };
    }

    private string? ReasonAgainst(Update update, Relation table)
    {
        if (!analysis.Context.Catalog.AreShardsAlike)
            return "the shards' databases are not made alike";
        if (table.HasTriggers)
            return "the table has triggers, rules or row security, for which a row that moves is deleted here and inserted there";
        if (update.With is not null)
            return "it has a WITH";
        if (update.Assignments.Any(static assignment => !assignment.IsWhole || assignment.Value is DefaultValue or OtherExpression { Kind: "MultiAssignRef" }))
            return "SET has a DEFAULT, a part of a column, or a query for several columns";
        if (_findings.VolatileFunction is { } function)
            return $"{function}() could give another value when a row is stored than when its shard was found";
        if (_findings.HomeFunction is { } home)
            return $"{home}() works on the home shard";
        if (_findings.HomeRelations.Count > 0)
            return $"\"{_findings.HomeRelations[0]}\" is on the home shard only";
        if (_findings.Unspreadable is { } unspreadable)
            return $"it uses {unspreadable}";
        if (_findings.ReadsHiddenClock)
            return "it reads the clock in a way for which no constant can stand";
        if (_findings.Traits != Traits.Writes || _findings.Locks)
            return "it does more than to change the table's rows";
        if (_findings.ReadsReference && analysis.Blocks.Keys.Any(static block => !block.Limits.IsEmpty || !block.DistinctOn.IsEmpty))
            return "a subquery takes some rows of a reference table, which may be others on another shard";
        if (update.Returning.Any(output => Subqueries.AreIn(output.Value)))
            return "RETURNING has a subquery";
        return !update.From.IsEmpty && !update.Returning.All(output => IsOfTarget(output.Value, update, table)) ? "RETURNING shows columns of the tables in FROM" : null;
    }

    /// <summary>An unqualified name in a statement that PostgreSQL takes means one table only.</summary>
    private static bool IsOfTarget(Expression expression, Update update, Relation table) => expression is ColumnReference column
        ? column.IsStar
            ? column.Names is [.., var starred] && starred == (update.Alias ?? update.Target.Name)
            : column.Names.Length == 1 ? table.FindColumn(column.Names[0]) is not null : column.Names[^2] == (update.Alias ?? update.Target.Name)
        : ExpressionChildren.Of(expression).All(child => IsOfTarget(child, update, table));

    private SpreadKeys? KeysOf(Update update)
    {
        if (!analysis.WriteBlocks.TryGetValue(update, out var block) || block.Target is not { } target)
            return null;
        List<(Place Block, ShardedInstance Anchor)> parts = [(block.Place, target)];
        return new SpreadProof(_findings).Holds(parts, static stored => stored.By != StoredBy.Update) ? SpreadPlanner.KeysOf(parts) : null;
    }
}
