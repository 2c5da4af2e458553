using System.Buffers.Text;

namespace ShardProxy.Protocol.Values;

/// <summary>Reads numerics as numeric_in does.</summary>
internal static class DecimalText
{
    /// <param name="scratch">At least as long as the text.</param>
    public static KeyHashResult TryRead(scoped ReadOnlySpan<byte> text, Span<byte> scratch, out DecimalValue value)
    {
        value = default;
        text = InputText.Trim(text);
        var negative = text.Length > 0 && text[0] == '-';
        var rest = negative || (text.Length > 0 && text[0] == '+') ? text[1..] : text;
        if (InputText.EqualsIgnoreCase(text, "nan"u8))
        {
            value = new DecimalValue(DecimalKind.NaN);
            return KeyHashResult.Hashed;
        }
        if (InputText.EqualsIgnoreCase(rest, "infinity"u8) || InputText.EqualsIgnoreCase(rest, "inf"u8))
        {
            value = new DecimalValue(DecimalKind.Infinity, negative);
            return KeyHashResult.Hashed;
        }
        if (text.Length > DecimalValue.MaxDigits)
            return KeyHashResult.Unknown;
        return TryReadFinite(negative, rest, scratch, out value);
    }

    private static KeyHashResult TryReadFinite(bool negative, scoped ReadOnlySpan<byte> text, Span<byte> scratch, out DecimalValue value)
    {
        value = default;
        var count = 0;
        var whole = -1;
        var at = 0;
        for (; at < text.Length; at++)
        {
            var c = text[at];
            if (c is >= (byte)'0' and <= (byte)'9')
                scratch[count++] = (byte)(c - '0');
            else if (c == '.' && whole < 0)
                whole = count;
            else
                break;
        }
        if (count == 0)
            return KeyHashResult.Invalid;
        if (whole < 0)
            whole = count;
        var exponent = 0;
        if (at < text.Length)
        {
            var result = TryReadExponent(text[at..], out exponent);
            if (result != KeyHashResult.Hashed)
                return result;
        }
        value = new DecimalValue(negative, scratch[..count], whole + exponent);
        return KeyHashResult.Hashed;
    }

    private static KeyHashResult TryReadExponent(scoped ReadOnlySpan<byte> text, out int exponent)
    {
        exponent = 0;
        // PostgreSQL 16 reads 0x1F and 1_000; 15 rejects them.
        if (text[0] is (byte)'_' or (byte)'x' or (byte)'X' or (byte)'o' or (byte)'O' or (byte)'b' or (byte)'B')
            return KeyHashResult.Unknown;
        if (text[0] is not ((byte)'e' or (byte)'E'))
            return KeyHashResult.Invalid;
        if (!Utf8Parser.TryParse(text[1..], out exponent, out var consumed))
            return KeyHashResult.Unknown;
        if (consumed != text.Length - 1)
            return text.Contains((byte)'_') ? KeyHashResult.Unknown : KeyHashResult.Invalid;
        return exponent is < -DecimalValue.MaxDigits or > DecimalValue.MaxDigits ? KeyHashResult.Unknown : KeyHashResult.Hashed;
    }
}
