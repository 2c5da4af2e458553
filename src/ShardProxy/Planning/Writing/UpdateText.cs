using System.Collections.Immutable;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>An UPDATE cut into its clauses at the keywords outside parentheses. The cut is checked against the tree.</summary>
/// <param name="Target">The table, with ONLY and alias.</param>
/// <param name="Assigned">The columns of SET, and for each the expression.</param>
/// <param name="From">What stands behind FROM; null without.</param>
/// <param name="Where">The condition; null without.</param>
/// <param name="Returning">With the word RETURNING; null without.</param>
public sealed record UpdateText(TextStretch Target, ImmutableArray<AssignedColumn> Assigned, TextStretch? From, TextStretch? Where, TextStretch? Returning)
{
    /// <summary>Null for a text that does not fit the tree, or that assigns several columns at once: SET (a, b) = ….</summary>
    internal static UpdateText? Cut(Update update, SqlTokens tokens)
    {
        // The word UPDATE and a table's name come first.
        var set = 2;
        while (set < tokens.Count && !(tokens[set].Depth == 0 && tokens.IsWord(set, "set")))
            set++;
        var next = set + 1;
        var assigned = ImmutableArray.CreateBuilder<AssignedColumn>(update.Assignments.Length);
        foreach (var assignment in update.Assignments)
        {
            if (assigned.Count > 0 && !tokens.IsMark(next++, ','))
                return null;
            if (next + 2 >= tokens.Count || tokens[next].Kind is not (TokenKind.Word or TokenKind.Name) || !tokens.IsMark(next + 1, '='))
                return null;
            var first = next + 2;
            next = EndOfExpression(tokens, first);
            if (Stretch(tokens, first, next) is not { } value || !value.Fits(assignment.Value))
                return null;
            assigned.Add(new AssignedColumn(assignment.Column, value));
        }
        var from = Clause(tokens, ref next, "from", update.From.Length > 0);
        var where = Clause(tokens, ref next, "where", update.Where is not null);
        var returning = next < tokens.Count && tokens.IsWord(next, "returning") ? Stretch(tokens, next, tokens.Count) : null;
        var isAll = returning is not null || next == tokens.Count;
        return isAll && Stretch(tokens, 1, set) is { } target
            && from is null == update.From.IsEmpty && where is null == (update.Where is null) && returning is null == update.Returning.IsEmpty
            && (where?.Fits(update.Where!) ?? true) && update.Returning.All(output => returning!.Value.Fits(output.Value))
            ? new UpdateText(target, assigned.ToImmutable(), from, where, returning)
            : null;
    }

    /// <summary>The stars of RETURNING that stand for all tables of the statement.</summary>
    internal IEnumerable<int> Stars(SqlTokens tokens)
    {
        if (Returning is not { } returning)
            yield break;
        for (var index = 1; index < tokens.Count; index++)
        {
            if (tokens[index].Start > returning.Start && tokens[index].Depth == 0 && tokens.IsMark(index, '*')
                && (tokens.IsMark(index - 1, ',') || tokens.IsWord(index - 1, "returning")))
            {
                yield return tokens[index].Start;
            }
        }
    }

    private static TextStretch? Clause(SqlTokens tokens, ref int next, string word, bool isThere)
    {
        if (!isThere || next >= tokens.Count || !tokens.IsWord(next, word))
            return null;
        var first = next + 1;
        next = first;
        while (next < tokens.Count && !IsEnd(tokens, next, word))
            next++;
        return Stretch(tokens, first, next);
    }

    private static bool IsEnd(SqlTokens tokens, int index, string inside) => IsClause(tokens, index, "returning") || (inside == "from" && IsClause(tokens, index, "where"));

    private static int EndOfExpression(SqlTokens tokens, int index)
    {
        while (index < tokens.Count && !(tokens[index].Depth == 0 && tokens.IsMark(index, ','))
               && !IsClause(tokens, index, "where") && !IsClause(tokens, index, "returning")
               // IS DISTINCT FROM.
               && !(IsClause(tokens, index, "from") && !tokens.IsWord(index - 1, "distinct")))
        {
            index++;
        }
        return index;
    }

    // Reserved words: as names they would need a dot or AS before them.
    private static bool IsClause(SqlTokens tokens, int index, string word) =>
        tokens[index].Depth == 0 && tokens.IsWord(index, word) && !tokens.IsMark(index - 1, '.') && !tokens.IsWord(index - 1, "as");

    private static TextStretch? Stretch(SqlTokens tokens, int first, int end) =>
        first < end && end <= tokens.Count ? new TextStretch(tokens[first].Start, tokens[end - 1].End) : null;
}

/// <summary>Bytes of a text.</summary>
public readonly record struct TextStretch(int Start, int End)
{
    internal bool Fits(Expression expression) => expression.Location < 0 || (expression.Location >= Start && expression.Location < End);
}

public readonly record struct AssignedColumn(string Name, TextStretch Value);
