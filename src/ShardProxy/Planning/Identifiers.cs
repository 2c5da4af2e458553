namespace ShardProxy.Planning;

/// <summary>Writes names so that PostgreSQL reads them back the same.</summary>
internal static class Identifiers
{
    /// <summary>Quotes where it may be needed: more often than quote_identifier, never less.</summary>
    public static string Quote(string name)
    {
        var plain = name.Length > 0 && (name[0] == '_' || char.IsAsciiLetterLower(name[0]));
        foreach (var letter in name)
            plain &= letter == '_' || char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter);
        return plain ? name : QuoteAlways(name);
    }

    public static string QuoteAlways(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A string literal that reads the same whatever standard_conforming_strings is.</summary>
    public static string Literal(string value)
    {
        var quoted = value.Replace("'", "''", StringComparison.Ordinal);
        return quoted.Contains('\\', StringComparison.Ordinal) ? $" E'{quoted.Replace("\\", "\\\\", StringComparison.Ordinal)}'" : $"'{quoted}'";
    }
}
