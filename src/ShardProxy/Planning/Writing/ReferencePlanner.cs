using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Plans INSERT, UPDATE, DELETE and MERGE of a reference table.</summary>
internal sealed class ReferencePlanner(StatementAnalysis analysis, Names names, SqlTokens tokens, ImmutableArray<TextEdit> clockEdits)
{
    private readonly Findings _findings = analysis.Findings;

    /// <summary>Null when the shards could come to differ.</summary>
    public WritePlan? TryPlan(Query query)
    {
        if (!MaySpread() || _findings.Written is not [{ Class: RelationClass.Reference, Relation: { HasTriggers: false } table }])
            return null;
        if (query is Merge merge)
            return TryMerge(merge, table);
        var (name, returning) = query switch
        {
            Insert insert => (insert.Alias ?? insert.Target.Name, insert.Returning),
            Update update => (update.Alias ?? update.Target.Name, update.Returning),
            Delete delete => (delete.Alias ?? delete.Target.Name, delete.Returning),
            _ => (null, []),
        };
        if (name is null)
            return null;
        var edits = new List<TextEdit>(clockEdits);
        var isVolatile = _findings.VolatileFunction is not null;
        if (query is Insert inserted)
        {
            if (!TryDefaults(inserted, table, edits, ref isVolatile))
                return null;
        }
        else if (isVolatile || Assignments(query).Any(assignment => assignment.Value is DefaultValue && !IsSteady(table, assignment.Column)))
        {
            return null;
        }
        // Which of the rows in conflict are new, the rows returned do not say.
        if (isVolatile && query is not Insert { OnConflict: null or { Updates.IsEmpty: true } })
            return null;
        var columns = table.Columns.Where(static column => !column.IsGenerated).Select(static column => column.Name).ToImmutableArray();
        var list = string.Join(", ", columns.Select(column => $"{Identifiers.QuoteAlways(name)}.{Identifiers.QuoteAlways(column)}"));
        var end = tokens[tokens.Count - 1].End;
        edits.Add(new TextEdit(end, end, returning.IsEmpty ? $" RETURNING {list}" : $", {list}"));
        return new WritePlan(SpreadKeys.All, new ReferenceDraft(_findings.Written[0].Distribution!.Table, columns, isVolatile, !returning.IsEmpty) { Edits = [.. edits.OrderBy(static edit => edit.Start)] });
    }

    /// <summary>
    /// Every pair of a source row and a row of the table is looked at by itself, and a row that would be changed twice is an
    /// error: so every shard, with the same rows in both, comes to the same, in whatever order it goes.
    /// </summary>
    private WritePlan? TryMerge(Merge merge, Relation table)
    {
        foreach (var action in merge.Actions)
        {
            if (action.Assignments.Any(assignment => assignment.Value is DefaultValue && !IsSteady(table, assignment.Column)))
                return null;
            if (action.Verb == MergeVerb.Insert && !table.Columns.All(column => IsSteady(column) || IsGiven(action, table, column)))
                return null;
        }
        return _findings.VolatileFunction is null
            ? new WritePlan(SpreadKeys.All, new ReferenceDraft(_findings.Written[0].Distribution!.Table, [], IsFromHome: false, Returns: false) { Edits = clockEdits })
            : null;
    }

    private static bool IsGiven(MergeAction insert, Relation table, Column column)
    {
        var ordinal = insert.Columns.IsEmpty ? table.Columns.ToList().IndexOf(column) : insert.Columns.IndexOf(column.Name);
        return ordinal >= 0 && ordinal < insert.Values.Length && insert.Values[ordinal] is not DefaultValue;
    }

    private bool MaySpread() =>
        _findings is
        {
            Refusal: null, HomeFunction: null, Unspreadable: null, ReadsHiddenClock: false, Locks: false,
            HomeRelations.Count: 0, Instances.Count: 0, StoredKeys.Count: 0,
        }
        && _findings.Traits == Traits.Writes
        && analysis.Blocks.Keys.All(static block => block.Limits.IsEmpty && block.DistinctOn.IsEmpty);

    private static ImmutableArray<Assignment> Assignments(Query query) => query is Update update ? update.Assignments : [];

    /// <summary>What an INSERT leaves to defaults: the clock is written into the text, what differs from call to call is the home shard's to compute.</summary>
    private bool TryDefaults(Insert insert, Relation table, List<TextEdit> edits, ref bool isVolatile)
    {
        foreach (var assignment in insert.OnConflict?.Updates ?? [])
        {
            if (assignment.Value is DefaultValue && !IsSteady(table, assignment.Column))
                return false;
        }
        if (ClockDefaults.Of(table).Any())
        {
            if (insert.Source is not ValuesQuery { With: null } values || InsertText.Cut(values, tokens) is not { } text
                || ClockDefaults.Edits(insert, values, table, text, tokens) is not { } defaults)
            {
                return false;
            }
            edits.AddRange(defaults);
        }
        isVolatile |= table.Columns.Any(column => !IsSteady(column) && StatementClock.Default(column.Default) is null && MayBeLeftOut(insert, table, column));
        return true;
    }

    private static bool MayBeLeftOut(Insert insert, Relation table, Column column)
    {
        var width = insert.Source switch
        {
            ValuesQuery values => values.Rows[0].Length,
            _ => 0,
        };
        string[] columns = insert.Columns.IsEmpty ? [.. table.Columns.Take(width).Select(static known => known.Name)] : [.. insert.Columns];
        var ordinal = Array.IndexOf(columns, column.Name);
        return ordinal < 0 || (insert.Source is ValuesQuery given && given.Rows.Any(row => ordinal < row.Length && row[ordinal] is DefaultValue));
    }

    private bool IsSteady(Relation table, string column) => table.FindColumn(column) is { } known && IsSteady(known);

    private bool IsSteady(Column column) => !column.IsIdentity && SteadyDefaults.IsSteady(column.Default, names);
}
