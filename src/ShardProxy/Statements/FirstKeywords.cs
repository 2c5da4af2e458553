using System.Collections.Frozen;
using System.Text;

namespace ShardProxy.Statements;

/// <summary>Finds <see cref="FirstKeyword"/> for a word in lower case without allocating.</summary>
internal static class FirstKeywords
{
    private static readonly int LongestName = Enum.GetNames<FirstKeyword>().Max(static name => name.Length);

    private static readonly FrozenDictionary<string, FirstKeyword>.AlternateLookup<ReadOnlySpan<char>> ByName =
        Enum.GetValues<FirstKeyword>()
            .Where(static keyword => keyword > FirstKeyword.Other)
            .ToFrozenDictionary(static keyword => keyword.ToString().ToLowerInvariant(), StringComparer.Ordinal)
            .GetAlternateLookup<ReadOnlySpan<char>>();

    public static FirstKeyword Find(ReadOnlySpan<byte> lowerCaseWord)
    {
        if (lowerCaseWord.SequenceEqual("select"u8))
            return FirstKeyword.Select;
        if (lowerCaseWord.Length > LongestName)
            return FirstKeyword.Other;
        Span<char> name = stackalloc char[lowerCaseWord.Length];
        return Ascii.ToUtf16(lowerCaseWord, name, out _) == System.Buffers.OperationStatus.Done && ByName.TryGetValue(name, out var keyword)
            ? keyword
            : FirstKeyword.Other;
    }
}
