using System.Globalization;

namespace ShardProxy.Configuration;

/// <summary>Typed questions to a <see cref="Section"/>: a value of the wrong form is reported and the default taken.</summary>
internal static class SectionValues
{
    public static string? Text(this Section section, string key) => section.Find(key)?.Text;

    /// <summary>A path, absolute; null when absent.</summary>
    public static string? FilePath(this Section section, string key) =>
        section.Find(key) is { Text.Length: > 0 } value ? section.Scope.ResolvePath(value.Text) : null;

    /// <summary>The path of a file that must be there to be read.</summary>
    public static string? ExistingFile(this Section section, string key)
    {
        if (section.Find(key) is not { } value)
            return null;
        var path = section.Scope.ResolvePath(value.Text);
        if (!File.Exists(path))
            section.Scope.Report(value.At, $"{value.Path}: there is no file {path}.");
        return path;
    }

    public static int Number(this Section section, string key, int fallback, int minimum, int maximum)
    {
        if (section.Find(key) is not { } value)
            return fallback;
        if (int.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= minimum && number <= maximum)
            return number;
        section.Scope.Report(value.At, $"{value.Path} must be a whole number from {minimum} to {maximum}, not {value.Text}.");
        return fallback;
    }

    public static bool Flag(this Section section, string key, bool fallback)
    {
        if (section.Find(key) is not { } value)
            return fallback;
        switch (value.Text.ToLowerInvariant())
        {
            case "true" or "on" or "yes":
                return true;
            case "false" or "off" or "no":
                return false;
        }
        section.Scope.Report(value.At, $"{value.Path} must be true or false, not {value.Text}.");
        return fallback;
    }

    public static TimeSpan Duration(this Section section, string key, TimeSpan fallback)
    {
        if (section.Find(key) is not { } value)
            return fallback;
        if (Units.Duration(value.Text) is { } duration)
            return duration;
        section.Scope.Report(value.At, $"{value.Path} must be a duration such as 500ms, 30s or 5m (0 for none), not {value.Text}.");
        return fallback;
    }

    public static long Size(this Section section, string key, long fallback, long minimum, long maximum)
    {
        if (section.Find(key) is not { } value)
            return fallback;
        if (Units.Size(value.Text) is not { } size)
            section.Scope.Report(value.At, $"{value.Path} must be a size such as 64MB or 512kB, not {value.Text}.");
        else if (size < minimum || size > maximum)
            section.Scope.Report(value.At, $"{value.Path} must be from {minimum} to {maximum} bytes, not {value.Text}.");
        else
            return size;
        return fallback;
    }

    /// <summary>One word of a closed list.</summary>
    public static T Choice<T>(this Section section, string key, T fallback, params ReadOnlySpan<(string Word, T Value)> choices)
    {
        if (section.Find(key) is not { } value)
            return fallback;
        var words = new List<string>();
        foreach (var (word, meaning) in choices)
        {
            if (string.Equals(word, value.Text, StringComparison.OrdinalIgnoreCase))
                return meaning;
            words.Add(word);
        }
        section.Scope.Report(value.At, $"{value.Path} must be {Words.OneOf(words)}, not {value.Text}{Suggestion.For(value.Text, words)}.");
        return fallback;
    }
}
