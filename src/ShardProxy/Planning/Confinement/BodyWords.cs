namespace ShardProxy.Planning.Confinement;

/// <summary>Reads a routine's body as words: enough to be cautious about what it may touch.</summary>
internal static class BodyWords
{
    private static readonly HashSet<string> WritingWords = new(StringComparer.OrdinalIgnoreCase)
    {
        "insert", "update", "delete", "merge", "truncate", "copy", "execute",
    };

    public static HashSet<string> Of(string body)
    {
        var words = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var start = -1;
        for (var index = 0; index <= body.Length; index++)
        {
            var inWord = index < body.Length && (char.IsLetterOrDigit(body[index]) || body[index] is '_' or '$');
            if (inWord && start < 0)
            {
                start = index;
            }
            else if (!inWord && start >= 0)
            {
                words.Add(body[start..index]);
                start = -1;
            }
        }
        return words;
    }

    public static bool Writes(string body) => Of(body).Overlaps(WritingWords);
}
