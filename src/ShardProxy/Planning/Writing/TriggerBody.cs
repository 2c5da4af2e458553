using System.Collections.Frozen;
using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Planning.Spreading;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// Reads what a trigger BEFORE INSERT does to a row that may be proposed on another shard than its own: it must leave some of the
/// row's columns as they are and come to no table. What is not seen to do so is taken not to.
/// </summary>
internal static class TriggerBody
{
    // What runs a query or a command, or calls what may assign to its arguments.
    private static readonly FrozenSet<string> Commands = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "select", "insert", "update", "delete", "merge", "truncate", "copy", "execute", "perform", "call", "do", "table", "with", "into", "import", "lock", "notify", "commit", "rollback");

    /// <param name="body">In PL/pgSQL; null for another language.</param>
    public static bool Keeps(string? body, IReadOnlyCollection<string> columns, CatalogSnapshot catalog)
    {
        if (body is null)
            return false;
        var bytes = Encoding.UTF8.GetBytes(body);
        if (SqlTokens.Read(bytes, 0, bytes.Length) is not { } tokens)
            return false;
        for (var index = 0; index < tokens.Count; index++)
        {
            if (tokens[index].Kind is not (TokenKind.Word or TokenKind.Name))
                continue;
            var word = NameOf(tokens, index);
            var isField = tokens.IsMark(index - 1, '.');
            if (!isField && tokens[index].Kind == TokenKind.Word && Commands.Contains(word))
                return false;
            if (tokens.IsMark(index + 1, '(') && !IsHarmless(word, catalog))
                return false;
            if (!isField && word == "new" && !(tokens.IsMark(index + 1, '.') ? KeepsField(tokens, index + 2, columns) : IsReturned(tokens, index)))
                return false;
            if (!isField && word == "return" && !(tokens.IsWord(index + 1, "new") || tokens.IsWord(index + 1, "null")))
                return false;
        }
        return true;
    }

    /// <summary>RETURN NEW and nothing behind it: the row as a whole goes nowhere else.</summary>
    private static bool IsReturned(SqlTokens tokens, int index) => tokens.IsWord(index - 1, "return") && tokens.IsMark(index + 1, ';');

    /// <summary>Of a column that must stay, only what can be no assignment.</summary>
    private static bool KeepsField(SqlTokens tokens, int field, IReadOnlyCollection<string> columns)
    {
        if (field >= tokens.Count || tokens[field].Kind is not (TokenKind.Word or TokenKind.Name))
            return false;
        if (!columns.Contains(NameOf(tokens, field)))
            return true;
        var isAssigned = tokens.IsMark(field + 1, '=') || tokens.IsMark(field + 1, '[') || tokens.IsMark(field + 1, '.') || tokens.IsWord(field + 1, "in") || tokens.IsWord(field + 1, "slice")
            || (field + 1 < tokens.Count && tokens.Text(tokens[field + 1].Start, tokens[field + 1].End) == ":=");
        return !isAssigned;
    }

    /// <summary>PostgreSQL's own functions, except those that are given a query or a table's name; of users' only immutable ones.</summary>
    private static bool IsHarmless(string word, CatalogSnapshot catalog) =>
        !word.Contains("_to_xml", StringComparison.Ordinal) && word is not ("ts_stat" or "ts_rewrite" or "set_config")
        && catalog.Functions.All(pair => pair.Key.Name != word || pair.Value.Volatility == FunctionVolatility.Immutable);

    private static string NameOf(SqlTokens tokens, int index)
    {
        var text = tokens.Text(tokens[index].Start, tokens[index].End);
        return tokens[index].Kind == TokenKind.Name ? text[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : text.ToLowerInvariant();
    }
}
