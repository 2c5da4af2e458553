using System.Text;

namespace ShardProxy.Planning.Writing;

/// <summary>
/// Words that the input of date, time and timestamp takes for the time at which it reads them, in the session's time zone:
/// now, today, tomorrow, yesterday ('epoch' and 'infinity' are constants). Read on each shard, they differ.
/// </summary>
public static class ClockTexts
{
    /// <summary>The longest abbreviation of a time zone that PostgreSQL's tables know (TOKMAXLEN, utils/datetime.h, is twice that).</summary>
    private const int ZoneLength = 5;

    /// <summary>More words than a date has: the day, its time, AM or PM, a zone.</summary>
    private const int MaxWords = 4;

    /// <summary>Whether a text's input could be such a word: alone, or beside what else a date can have ('tomorrow 04:00 CET').</summary>
    /// <param name="text">In any encoding that has ASCII in it.</param>
    public static bool IsOne(ReadOnlySpan<byte> text)
    {
        var found = false;
        var words = 0;
        for (var at = 0; at < text.Length;)
        {
            if (text[at] >= 0x80)
                return false;
            if (!char.IsAsciiLetter((char)text[at]))
            {
                at++;
                continue;
            }
            var start = at;
            // A zone may be a name such as Europe/Berlin.
            while (at < text.Length && (char.IsAsciiLetter((char)text[at]) || text[at] is (byte)'/' or (byte)'_'))
                at++;
            var word = text[start..at];
            if (IsTime(word))
                found = true;
            else if (word.Length > ZoneLength && !word.Contains((byte)'/') && !Ascii.EqualsIgnoreCase(word, "allballs"u8))
                return false;
            if (++words > MaxWords)
                return false;
        }
        return found;
    }

    private static bool IsTime(ReadOnlySpan<byte> word) =>
        Ascii.EqualsIgnoreCase(word, "now"u8) || Ascii.EqualsIgnoreCase(word, "today"u8) || Ascii.EqualsIgnoreCase(word, "tomorrow"u8) || Ascii.EqualsIgnoreCase(word, "yesterday"u8);
}
