using System.Globalization;
using ShardProxy.Planning.Spreading;

namespace ShardProxy.Planning.Writing;

/// <summary>Where $1 and its kin stand in a stretch of SQL, strings and comments apart.</summary>
public static class ParameterTokens
{
    /// <param name="sql">Whole tokens.</param>
    public static IEnumerable<(int Position, int Length, int Number)> Find(byte[] sql)
    {
        foreach (var token in SqlTokens.Scan(sql, 0, sql.Length))
        {
            if (token.Kind == TokenKind.Value && sql[token.Start] == '$' && token.End > token.Start + 1
                && int.TryParse(sql.AsSpan(token.Start + 1, token.End - token.Start - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                yield return (token.Start, token.End - token.Start, number);
            }
        }
    }
}
