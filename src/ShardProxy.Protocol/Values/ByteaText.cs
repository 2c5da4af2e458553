namespace ShardProxy.Protocol.Values;

/// <summary>Reads byte strings as byteain does: "\x" and hexadecimal digits, or the escape form.</summary>
internal static class ByteaText
{
    /// <param name="bytes">At least as long as the text.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, Span<byte> bytes, out int length) =>
        text.StartsWith("\\x"u8) ? TryReadHex(text[2..], bytes, out length) : TryReadEscape(text, bytes, out length);

    private static bool TryReadHex(ReadOnlySpan<byte> text, Span<byte> bytes, out int length)
    {
        length = 0;
        for (var at = 0; at < text.Length; at++)
        {
            // White space may stand between the bytes.
            if (text[at] is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r')
                continue;
            var high = InputText.HexDigit(text[at]);
            var low = at + 1 < text.Length ? InputText.HexDigit(text[at + 1]) : -1;
            if (high < 0 || low < 0)
                return false;
            bytes[length++] = (byte)((high << 4) | low);
            at++;
        }
        return true;
    }

    private static bool TryReadEscape(ReadOnlySpan<byte> text, Span<byte> bytes, out int length)
    {
        length = 0;
        for (var at = 0; at < text.Length; at++)
        {
            if (text[at] != '\\')
            {
                bytes[length++] = text[at];
            }
            else if (at + 1 < text.Length && text[at + 1] == '\\')
            {
                bytes[length++] = (byte)'\\';
                at++;
            }
            else if (at + 3 < text.Length && text[at + 1] is >= (byte)'0' and <= (byte)'3' && IsOctal(text[at + 2]) && IsOctal(text[at + 3]))
            {
                bytes[length++] = (byte)(((text[at + 1] - '0') << 6) | ((text[at + 2] - '0') << 3) | (text[at + 3] - '0'));
                at += 3;
            }
            else
            {
                return false;
            }
        }
        return true;
    }

    private static bool IsOctal(byte value) => value is >= (byte)'0' and <= (byte)'7';
}
