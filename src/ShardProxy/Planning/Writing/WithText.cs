using System.Collections.Immutable;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>A statement's WITH cut into its parts. The cut is checked against the tree.</summary>
/// <param name="Parts">Each as written: its name, AS and the query in parentheses.</param>
/// <param name="Queries">The queries without their parentheses.</param>
/// <param name="Rest">The statement behind its WITH.</param>
internal sealed record WithText(ImmutableArray<TextSpan> Parts, ImmutableArray<TextSpan> Queries, TextSpan Rest)
{
    /// <summary>Null for a text that does not fit the tree.</summary>
    public static WithText? Cut(WithClause with, SqlTokens tokens)
    {
        if (!tokens.IsWord(0, "with"))
            return null;
        var parts = ImmutableArray.CreateBuilder<TextSpan>();
        var queries = ImmutableArray.CreateBuilder<TextSpan>();
        var index = 1;
        foreach (var table in with.Tables)
        {
            if (parts.Count > 0 && !tokens.IsMark(index++, ','))
                return null;
            var first = index;
            if (index >= tokens.Count || NameAt(tokens, index++) != table.Name)
                return null;
            if (!table.ColumnNames.IsEmpty)
                index = tokens.IsMark(index, '(') ? tokens.Closing(index) + 1 : 0;
            if (index <= 0 || !tokens.IsWord(index++, "as"))
                return null;
            if (tokens.IsWord(index, "not"))
                index++;
            if (tokens.IsWord(index, "materialized"))
                index++;
            if (!tokens.IsMark(index, '(') || tokens.Closing(index) is not (var closing and > 0) || table.Extends)
                return null;
            parts.Add(new TextSpan(tokens[first].Start, tokens[closing].End));
            queries.Add(new TextSpan(tokens[index + 1].Start, tokens[closing - 1].End));
            index = closing + 1;
        }
        return index < tokens.Count && !tokens.IsMark(index, ',')
            ? new WithText(parts.ToImmutable(), queries.ToImmutable(), new TextSpan(tokens[index].Start, tokens[tokens.Count - 1].End))
            : null;
    }

    /// <summary>The name that a token is, folded as PostgreSQL folds it; null for other tokens.</summary>
    public static string? NameAt(SqlTokens tokens, int index)
    {
        var text = tokens.Text(tokens[index].Start, tokens[index].End);
        return tokens[index].Kind switch
        {
            TokenKind.Word => text.ToLowerInvariant(),
            TokenKind.Name => text[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal),
            _ => null,
        };
    }
}
