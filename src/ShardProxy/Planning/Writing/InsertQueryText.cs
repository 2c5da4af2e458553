using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>An INSERT … SELECT cut into what stands before its query, the query, and ON CONFLICT and RETURNING. The cut is checked against the tree.</summary>
/// <param name="Query">The query.</param>
/// <param name="ListAt">The closing parenthesis of the column list; where such a list would stand if there is none.</param>
internal sealed record InsertQueryText(TextSpan Query, int ListAt)
{
    /// <summary>Null for a text that does not fit the tree, or whose query is in parentheses.</summary>
    public static InsertQueryText? Cut(Insert insert, SqlTokens tokens)
    {
        var first = 0;
        while (first < tokens.Count && !(tokens[first].Depth == 0 && (tokens.IsWord(first, "select") || tokens.IsWord(first, "with"))))
            first++;
        if (first >= tokens.Count || PlaceOfList(insert, tokens, first) is not { } listAt)
            return null;
        var last = tokens.Count;
        if (!insert.Returning.IsEmpty && !TryLast(tokens, first, ref last, "returning", null))
            return null;
        if (insert.OnConflict is not null && !TryLast(tokens, first, ref last, "on", "conflict"))
            return null;
        var query = new TextSpan(tokens[first].Start, tokens[last - 1].End);
        var isOutside = insert.Returning.Any(output => output.Value.Location >= 0 && query.Contains(output.Value.Location))
            || insert.OnConflict?.Updates.Any(update => update.Value.Location >= 0 && query.Contains(update.Value.Location)) == true;
        return isOutside ? null : new InsertQueryText(query, listAt);
    }

    private static int? PlaceOfList(Insert insert, SqlTokens tokens, int select)
    {
        var before = select - 1;
        // OVERRIDING SYSTEM VALUE, OVERRIDING USER VALUE.
        if (tokens.IsWord(before, "value") && tokens.IsWord(before - 2, "overriding"))
            before -= 3;
        if (insert.Columns.IsEmpty)
            return tokens.IsMark(before, ')') ? null : tokens[before + 1].Start;
        return tokens.IsMark(before, ')') ? tokens[before].Start : null;
    }

    /// <summary>The last place of a clause's keywords outside parentheses; as a name they would need AS or a dot before them.</summary>
    private static bool TryLast(SqlTokens tokens, int first, ref int last, string word, string? next)
    {
        for (var index = last - 1; index > first; index--)
        {
            if (tokens[index].Depth == 0 && tokens.IsWord(index, word) && (next is null || tokens.IsWord(index + 1, next))
                && !tokens.IsWord(index - 1, "as") && !tokens.IsMark(index - 1, '.'))
            {
                last = index;
                return true;
            }
        }
        return false;
    }
}
