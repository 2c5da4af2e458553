namespace ShardProxy.Configuration;

/// <summary>Reads <c>log</c>.</summary>
internal static class LogSection
{
    private const string DefaultLevel = "information";

    public static LogConfig Read(Section section)
    {
        using var _ = section;
        var format = section.Choice("format", LogFormat.Text, ("text", LogFormat.Text), ("json", LogFormat.Json));
        var level = section.Choice(
            "level",
            DefaultLevel,
            ("trace", "trace"),
            ("debug", "debug"),
            (DefaultLevel, DefaultLevel),
            ("warning", "warning"),
            ("error", "error"));
        return new LogConfig(format, level, section.Duration("slow_query", TimeSpan.Zero));
    }
}
