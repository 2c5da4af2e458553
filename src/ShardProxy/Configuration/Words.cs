namespace ShardProxy.Configuration;

/// <summary>Lists in sentences.</summary>
internal static class Words
{
    /// <summary>"a, b or c".</summary>
    public static string OneOf(IReadOnlyList<string> words) => Join(words, " or ");

    /// <summary>"a, b and c".</summary>
    public static string AllOf(IReadOnlyList<string> words) => Join(words, " and ");

    private static string Join(IReadOnlyList<string> words, string last) => words.Count switch
    {
        0 => "",
        1 => words[0],
        _ => string.Join(", ", words.Take(words.Count - 1)) + last + words[^1],
    };
}
