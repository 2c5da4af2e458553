using System.Text;

namespace ShardProxy.Statements;

/// <summary>
/// Words that PostgreSQL's date and time types read as the time of the transaction ('today 12:00'). A text that has one
/// means something a little different on each server, so it must be read on one.
/// </summary>
public static class ClockWords
{
    // The reserved words of datetktbl (utils/adt/datetime.c) that stand for a moment; "epoch", "infinity" and "allballs" are constants.
    private static readonly byte[][] Words = ["now"u8.ToArray(), "today"u8.ToArray(), "tomorrow"u8.ToArray(), "yesterday"u8.ToArray()];

    /// <summary>Whether one of the words stands in the text, in any letter case, with anything but a letter around it.</summary>
    public static bool AreIn(ReadOnlySpan<byte> text)
    {
        for (var start = 0; start < text.Length; start++)
        {
            if (!char.IsAsciiLetter((char)text[start]))
                continue;
            var end = start + 1;
            while (end < text.Length && char.IsAsciiLetter((char)text[end]))
                end++;
            foreach (var word in Words)
            {
                if (Ascii.EqualsIgnoreCase(text[start..end], word))
                    return true;
            }
            start = end;
        }
        return false;
    }

    /// <summary>As <see cref="AreIn(ReadOnlySpan{byte})"/>.</summary>
    public static bool AreIn(string text) => AreIn(Encoding.UTF8.GetBytes(text));
}
