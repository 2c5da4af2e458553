using System.Collections.Immutable;
using System.Text;

namespace ShardProxy.Sessions;

/// <summary>Reads a search_path as current_setting() gives it: identifiers separated by commas, folded unless quoted (SplitIdentifierString in PostgreSQL's varlena.c).</summary>
public static class SearchPath
{
    /// <param name="user">What "$user" stands for.</param>
    /// <param name="existing">The schemas that exist; PostgreSQL passes over other names.</param>
    public static ImmutableArray<string> Parse(string text, string user, IReadOnlySet<string> existing)
    {
        var schemas = ImmutableArray.CreateBuilder<string>();
        var name = new StringBuilder();
        for (var i = 0; i < text.Length;)
        {
            if (char.IsWhiteSpace(text[i]) || text[i] == ',')
            {
                i++;
                continue;
            }
            name.Clear();
            if (text[i] == '"')
            {
                for (i++; i < text.Length; i++)
                {
                    if (text[i] == '"')
                    {
                        if (i + 1 >= text.Length || text[i + 1] != '"')
                        {
                            i++;
                            break;
                        }
                        i++;
                    }
                    name.Append(text[i]);
                }
            }
            else
            {
                for (; i < text.Length && text[i] != ',' && !char.IsWhiteSpace(text[i]); i++)
                    name.Append(char.IsAsciiLetterUpper(text[i]) ? char.ToLowerInvariant(text[i]) : text[i]);
            }
            var schema = name.ToString();
            if (schema == "$user")
                schema = user;
            if (existing.Contains(schema) || schema is "pg_catalog" or "pg_temp" or "information_schema")
                schemas.Add(schema);
        }
        return schemas.ToImmutable();
    }
}
