using System.Globalization;

namespace ShardProxy.Configuration;

/// <summary>Durations (<c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c>) and sizes (<c>64MB</c>; multiples of 1024 as in postgresql.conf).</summary>
internal static class Units
{
    public static TimeSpan? Duration(string text)
    {
        if (text == "0")
            return TimeSpan.Zero;
        var milliseconds = Parse(text, static unit => unit switch
        {
            "ms" => 1,
            "s" => 1_000,
            "m" or "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => 0,
        });
        // Deadlines are kept in milliseconds; a hundred years is beyond every use.
        return milliseconds is null or > 36_500L * 86_400_000 ? null : TimeSpan.FromMilliseconds(milliseconds.Value);
    }

    public static long? Size(string text) => Parse(text, static unit => unit.ToUpperInvariant() switch
    {
        "" or "B" => 1,
        "KB" => 1L << 10,
        "MB" => 1L << 20,
        "GB" => 1L << 30,
        "TB" => 1L << 40,
        _ => 0,
    });

    private static long? Parse(string text, Func<string, long> factorOf)
    {
        var digits = 0;
        while (digits < text.Length && char.IsAsciiDigit(text[digits]))
            digits++;
        var factor = factorOf(text[digits..].Trim());
        if (digits == 0 || factor == 0
            || !long.TryParse(text.AsSpan(0, digits), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > long.MaxValue / factor)
            return null;
        return number * factor;
    }
}
