using System.Globalization;

namespace ShardProxy.Load;

internal static class Numbers
{
    public static int Parse(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new ArgumentException($"\"{text}\" is not a number.");
}
