using System.Collections.Frozen;
using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Planning.Spreading;

namespace ShardProxy.Planning.Writing;

/// <summary>Defaults that give the same value wherever and whenever they are computed.</summary>
internal static class SteadyDefaults
{
    // What stands before a parenthesis in a default without being a call that could vary: types with modifiers, and immutable functions.
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "numeric", "varying", "character", "bpchar", "varchar", "bit", "interval", "timestamp", "time", "array", "row", "coalesce", "nullif", "greatest", "least",
        "lower", "upper", "length", "md5", "abs", "round", "trunc", "floor", "ceil", "repeat", "lpad", "rpad", "concat", "replace", "substr", "substring",
        "jsonb_build_object", "json_build_object", "jsonb_build_array", "json_build_array", "to_jsonb", "make_interval", "make_date", "int4range", "int8range", "numrange", "daterange");

    /// <param name="expression">As pg_get_expr gives it under search_path pg_catalog; null without a default.</param>
    public static bool IsSteady(string? expression, Names names)
    {
        if (expression is null)
            return true;
        var bytes = Encoding.UTF8.GetBytes(expression);
        if (SqlTokens.Read(bytes, 0, bytes.Length) is not { } tokens || StatementClock.Default(expression) is not null)
            return false;
        for (var index = 1; index < tokens.Count; index++)
        {
            if (!tokens.IsMark(index, '(') || tokens[index - 1].Kind is not (TokenKind.Word or TokenKind.Name))
                continue;
            var word = tokens.Text(tokens[index - 1].Start, tokens[index - 1].End).Trim('"');
            var schema = index > 2 && tokens.IsMark(index - 2, '.') ? tokens.Text(tokens[index - 3].Start, tokens[index - 3].End).Trim('"') : null;
            var isSteady = schema is null ? Known.Contains(word) : names.FindFunction([schema, word]) is { Volatility: FunctionVolatility.Immutable };
            if (!isSteady)
                return false;
        }
        // A sequence's state, without a call's parentheses: none. SQL's own values of the session.
        return !Enumerable.Range(0, tokens.Count).Any(index => tokens[index].Kind == TokenKind.Word
            && tokens.Text(tokens[index].Start, tokens[index].End).ToUpperInvariant() is "CURRENT_CATALOG" or "CURRENT_SCHEMA");
    }
}
