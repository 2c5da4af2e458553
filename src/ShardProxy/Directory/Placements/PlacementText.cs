using System.Text;

namespace ShardProxy.Directory.Placements;

/// <summary>
/// The one notation for ranges and lists, in the configuration file, in SQL and in the stores:
/// <c>[,2024-01-01) on s0, [2024-01-01,) on s1</c> and <c>(eu, ch) on s0, (us) on s1, default on s2</c>. A range holds its
/// lower end and not its upper one. A value with a blank, comma, bracket or quote in it is written in double quotes.
/// </summary>
public static class PlacementText
{
    /// <exception cref="FormatException">The text is not of this form; the message says where.</exception>
    public static IReadOnlyList<PlacementEntry> Parse(string text)
    {
        var reader = new Reader(text);
        var entries = new List<PlacementEntry>();
        do
        {
            entries.Add(reader.ReadEntry());
        }
        while (reader.TryTake(','));
        reader.ExpectEnd();
        return entries;
    }

    public static string Format(IEnumerable<PlacementEntry> entries) => string.Join(", ", entries.Select(Format));

    public static string Format(PlacementEntry entry)
    {
        var key = entry.IsDefault ? "default"
            : entry.IsRange ? $"[{Quote(entry.Values[0])},{Quote(entry.Values[1])})"
            : $"({string.Join(", ", entry.Values.Select(Quote))})";
        return entry.Target is null ? key : $"{key} on {Quote(entry.Target)}";
    }

    private static string Quote(string? value)
    {
        if (value is null)
            return "";
        var plain = value.Length > 0 && !value.Any(static c => char.IsWhiteSpace(c) || c is ',' or '(' or ')' or '[' or ']' or '"');
        return plain ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    private sealed class Reader(string text)
    {
        private int _at;

        public PlacementEntry ReadEntry()
        {
            if (TryTake('['))
            {
                var from = ReadValue();
                Expect(',');
                var to = ReadValue();
                Expect(')');
                return new PlacementEntry(IsRange: true, IsDefault: false, [from, to], ReadTarget());
            }
            if (TryTake('('))
            {
                var values = new List<string?>();
                do
                {
                    values.Add(ReadValue() ?? throw Error("a value is missing"));
                }
                while (TryTake(','));
                Expect(')');
                return new PlacementEntry(IsRange: false, IsDefault: false, values, ReadTarget());
            }
            if (TryTakeWord("default"))
                return new PlacementEntry(IsRange: false, IsDefault: true, [], ReadTarget());
            throw Error("a range such as [1,100), a list such as (a, b), or the word default must stand here");
        }

        public bool TryTake(char wanted)
        {
            SkipBlanks();
            if (_at >= text.Length || text[_at] != wanted)
                return false;
            _at++;
            return true;
        }

        public void ExpectEnd()
        {
            SkipBlanks();
            if (_at < text.Length)
                throw Error("a comma or the end must stand here");
        }

        private void Expect(char wanted)
        {
            if (!TryTake(wanted))
                throw Error($"\"{wanted}\" must stand here");
        }

        private string? ReadTarget() =>
            TryTakeWord("on") ? ReadValue() ?? throw Error("a shard's name must stand here") : null;

        private bool TryTakeWord(string word)
        {
            SkipBlanks();
            var end = _at + word.Length;
            if (end > text.Length
                || !text.AsSpan(_at, word.Length).Equals(word, StringComparison.OrdinalIgnoreCase)
                || (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] != ',' && text[end] != '"'))
            {
                return false;
            }
            _at = end;
            return true;
        }

        private string? ReadValue()
        {
            SkipBlanks();
            if (_at < text.Length && text[_at] == '"')
                return ReadQuoted();
            var start = _at;
            while (_at < text.Length && text[_at] is not (',' or '(' or ')' or '[' or ']' or '"'))
                _at++;
            var value = text[start.._at].TrimEnd();
            return value.Length == 0 ? null : value;
        }

        private string ReadQuoted()
        {
            var value = new StringBuilder();
            for (_at++; _at < text.Length; _at++)
            {
                if (text[_at] != '"')
                {
                    value.Append(text[_at]);
                }
                else if (_at + 1 < text.Length && text[_at + 1] == '"')
                {
                    value.Append('"');
                    _at++;
                }
                else
                {
                    _at++;
                    return value.ToString();
                }
            }
            throw Error("a quoted value has no end");
        }

        private void SkipBlanks()
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at]))
                _at++;
        }

        private FormatException Error(string what) => new($"at character {_at + 1} of \"{text}\": {what}");
    }
}
