using System.Text;

namespace ShardProxy.Planning.Drawing;

/// <summary>A relation's name inside a string, as regclass reads it: 'schema."Mixed Case"'.</summary>
internal static class NameText
{
    /// <summary>Its parts, folded to lower case where they are not quoted; null for what is no name (a number, an error).</summary>
    public static string[]? Split(string text)
    {
        var parts = new List<string>();
        var position = 0;
        while (true)
        {
            while (position < text.Length && char.IsWhiteSpace(text[position]))
                position++;
            var part = position < text.Length && text[position] == '"' ? Quoted(text, ref position) : Plain(text, ref position);
            if (string.IsNullOrEmpty(part))
                return null;
            parts.Add(part);
            while (position < text.Length && char.IsWhiteSpace(text[position]))
                position++;
            if (position == text.Length)
                return parts.Count <= 3 ? [.. parts] : null;
            if (text[position++] != '.')
                return null;
        }
    }

    private static string? Quoted(string text, ref int position)
    {
        var part = new StringBuilder();
        for (position++; position < text.Length; position++)
        {
            if (text[position] != '"')
            {
                part.Append(text[position]);
            }
            else if (position + 1 < text.Length && text[position + 1] == '"')
            {
                part.Append('"');
                position++;
            }
            else
            {
                position++;
                return part.ToString();
            }
        }
        return null;
    }

    private static string? Plain(string text, ref int position)
    {
        var start = position;
        while (position < text.Length && (char.IsLetterOrDigit(text[position]) || text[position] is '_' or '$' || text[position] >= 0x80))
            position++;
        // A number alone is an object id.
        return position > start && !char.IsAsciiDigit(text[start]) ? Ascii(text[start..position]) : null;
    }

    private static string Ascii(string text) => string.Create(text.Length, text, static (target, from) =>
    {
        for (var i = 0; i < from.Length; i++)
            target[i] = from[i] is >= 'A' and <= 'Z' ? (char)(from[i] | 0x20) : from[i];
    });
}
