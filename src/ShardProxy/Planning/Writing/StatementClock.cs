using System.Collections.Immutable;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Spreading;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// Reads of the start of the transaction or statement. Within one statement they give one value; each shard has its own
/// clock and its own start, so one value of one of them is put into the text for all.
/// </summary>
internal static class StatementClock
{
    /// <summary>Stands for the start of the transaction, as a timestamptz literal without its quotes.</summary>
    public const string TransactionMark = "\u0001";

    /// <summary>Stands for the start of the statement.</summary>
    public const string StatementMark = "\u0002";

    /// <summary>The edits that put constants in place of the clock; null when a site is not one that a constant can stand for.</summary>
    public static ImmutableArray<TextEdit>? Edits(IReadOnlyCollection<int> sites, SqlTokens tokens)
    {
        var edits = ImmutableArray.CreateBuilder<TextEdit>(sites.Count);
        foreach (var site in sites)
        {
            var index = tokens.At(site);
            if (index < 0)
                return null;
            if (!TryRead(tokens, index, out var text, out var last))
                return null;
            if (text.Length > 0)
                edits.Add(new TextEdit(site, tokens[last].End, text));
        }
        return edits.ToImmutable();
    }

    /// <summary>A column's default with constants in place of the clock; null when it does not read it, empty when it cannot be told.</summary>
    public static string? Default(string? expression)
    {
        if (expression is null)
            return null;
        var bytes = System.Text.Encoding.UTF8.GetBytes(expression);
        if (SqlTokens.Read(bytes, 0, bytes.Length) is not { } tokens)
            return "";
        var sites = new List<int>();
        for (var index = 0; index < tokens.Count; index++)
        {
            if (tokens[index].Kind == TokenKind.Word && IsClockWord(tokens.Text(tokens[index].Start, tokens[index].End)))
                sites.Add(tokens[index].Start);
            // 'now'::text and its kin, of defaults that PostgreSQL 9.6 and older wrote so.
            else if (tokens[index].Kind == TokenKind.Value && ClockTexts.IsOne(bytes.AsSpan(tokens[index].Start, tokens[index].End - tokens[index].Start)))
                return "";
        }
        if (sites.Count == 0)
            return null;
        if (Edits(sites, tokens) is not { } edits)
            return "";
        return TextEdits.Apply(expression, edits);
    }

    /// <summary>Text that can be parsed, with some time in the place of each mark.</summary>
    public static string WithAnyTime(string marked) => marked.Replace(TransactionMark, "epoch", StringComparison.Ordinal).Replace(StatementMark, "epoch", StringComparison.Ordinal);

    private static bool IsClockWord(string word) => word.ToLowerInvariant() is "now" or "transaction_timestamp" or "statement_timestamp"
        or "current_timestamp" or "current_date" or "current_time" or "localtimestamp" or "localtime";

    /// <param name="last">The token that ends it.</param>
    /// <returns>False when it is none; an empty text when it reads no clock after all.</returns>
    private static bool TryRead(SqlTokens tokens, int index, out string text, out int last)
    {
        last = index;
        text = "";
        // pg_catalog.now(): the tree has the location of the qualifier.
        if (tokens.IsWord(index, "pg_catalog") && tokens.IsMark(index + 1, '.'))
            index += 2;
        if (index >= tokens.Count)
            return false;
        var word = tokens.Text(tokens[index].Start, tokens[index].End).ToLowerInvariant();
        last = index;
        switch (word)
        {
            case "now" or "transaction_timestamp" or "statement_timestamp":
                if (!tokens.IsMark(index + 1, '(') || !tokens.IsMark(index + 2, ')'))
                    return false;
                last = index + 2;
                text = word == "statement_timestamp" ? Value(StatementMark) : Value(TransactionMark);
                return true;
            case "current_date":
                text = $"({Value(TransactionMark)})::pg_catalog.date";
                return Enclose(ref text);
            case "current_timestamp" or "current_time" or "localtimestamp" or "localtime":
                var modifier = "";
                if (tokens.IsMark(index + 1, '(') && tokens.Closing(index + 1) is var closing and > 0)
                {
                    modifier = tokens.Text(tokens[index + 1].Start, tokens[closing].End);
                    last = closing;
                }
                var type = word switch
                {
                    "current_timestamp" => "timestamptz",
                    "current_time" => "timetz",
                    "localtimestamp" => "timestamp",
                    _ => "time",
                };
                text = $"({Value(TransactionMark)})::pg_catalog.{type}{modifier}";
                return Enclose(ref text);
            default:
                // current_user and its kin: the same on all shards.
                return word is "current_user" or "current_role" or "session_user" or "user" or "current_catalog" or "current_schema";
        }
    }

    private static string Value(string mark) => $"'{mark}'::pg_catalog.timestamptz";

    private static bool Enclose(ref string text)
    {
        text = $"({text})";
        return true;
    }
}
