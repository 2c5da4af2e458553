using System.Text;

namespace ShardProxy.Configuration;

/// <summary>
/// libpq's keyword/value form: <c>host=/run/pg port = 5432 password='it\'s'</c>. A backslash takes the next character
/// as it is, inside quotes and outside; white space may stand around the equals sign; the last of two equal names counts.
/// </summary>
internal static class KeywordValueText
{
    /// <summary>Null, or what is wrong, without the text itself.</summary>
    public static string? Read(string text, Dictionary<string, string> options)
    {
        var position = 0;
        while (true)
        {
            SkipWhiteSpace(text, ref position);
            if (position == text.Length)
                return null;
            var start = position;
            while (position < text.Length && text[position] != '=' && !IsWhiteSpace(text[position]))
                position++;
            var name = text[start..position];
            SkipWhiteSpace(text, ref position);
            if (name.Length == 0 || position == text.Length || text[position] != '=')
                return $"an = is missing after option {options.Count + 1} of the connection string";
            position++;
            SkipWhiteSpace(text, ref position);
            var value = ReadValue(text, ref position);
            if (value is null)
                return $"the quoted value of the connection option {name} has no end";
            options[name] = value;
        }
    }

    private static string? ReadValue(string text, ref int position)
    {
        var quoted = position < text.Length && text[position] == '\'';
        if (quoted)
            position++;
        var value = new StringBuilder();
        while (position < text.Length)
        {
            var c = text[position];
            if (quoted ? c == '\'' : IsWhiteSpace(c))
            {
                position += quoted ? 1 : 0;
                return value.ToString();
            }
            if (c == '\\' && ++position == text.Length)
                break;
            value.Append(text[position++]);
        }
        return quoted ? null : value.ToString();
    }

    private static void SkipWhiteSpace(string text, ref int position)
    {
        while (position < text.Length && IsWhiteSpace(text[position]))
            position++;
    }

    // C's isspace, which libpq uses.
    private static bool IsWhiteSpace(char c) => c is ' ' or (>= '\t' and <= '\r');
}
