namespace ShardProxy.Protocol.Values;

/// <summary>Reads UUIDs as uuid_in does: 32 hexadecimal digits, a hyphen after any group of four, braces around it all.</summary>
internal static class UuidText
{
    public const int Length = 16;

    /// <param name="uuid">16 bytes.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, Span<byte> uuid)
    {
        if (text.Length > 0 && text[0] == '{')
        {
            if (text[^1] != '}')
                return false;
            text = text[1..^1];
        }
        for (var i = 0; i < Length; i++)
        {
            if (text.Length < 2)
                return false;
            var high = InputText.HexDigit(text[0]);
            var low = InputText.HexDigit(text[1]);
            if (high < 0 || low < 0)
                return false;
            uuid[i] = (byte)((high << 4) | low);
            text = text[2..];
            if (i % 2 == 1 && i < Length - 1 && text.Length > 0 && text[0] == '-')
                text = text[1..];
        }
        return text.IsEmpty;
    }
}
