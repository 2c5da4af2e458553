using System.Buffers;

namespace ShardProxy.Protocol.Values;

/// <summary>Reads integers as int2in, int4in and int8in do.</summary>
internal static class IntegerText
{
    private static readonly SearchValues<byte> NewerForms = SearchValues.Create("_xXoObB"u8);

    /// <returns><see cref="KeyHashResult.Hashed"/> when it was read; Unknown for the forms that only newer servers read.</returns>
    public static KeyHashResult TryRead(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        text = InputText.Trim(text);
        var negative = text.Length > 0 && text[0] == '-';
        var digits = negative || (text.Length > 0 && text[0] == '+') ? text[1..] : text;
        if (digits.IsEmpty)
            return KeyHashResult.Invalid;
        var magnitude = 0UL;
        foreach (var c in digits)
        {
            if (c is < (byte)'0' or > (byte)'9')
                return Reject(digits);
            // A magnitude that would overflow is past every range by far.
            if (magnitude > (1UL << 63) / 10 + 1)
                return digits.ContainsAnyExceptInRange((byte)'0', (byte)'9') ? Reject(digits) : KeyHashResult.Invalid;
            magnitude = (magnitude * 10) + (ulong)(c - '0');
        }
        if (magnitude > (negative ? 1UL << 63 : long.MaxValue))
            return KeyHashResult.Invalid;
        value = negative ? unchecked((long)(0 - magnitude)) : (long)magnitude;
        return KeyHashResult.Hashed;
    }

    public static bool Fits(uint type, long value) => type switch
    {
        TypeOid.Int2 => value is >= short.MinValue and <= short.MaxValue,
        TypeOid.Int4 => value is >= int.MinValue and <= int.MaxValue,
        _ => true,
    };

    // PostgreSQL 16 reads 0x1F, 0o17, 0b11 and 1_000; 15 rejects them.
    private static KeyHashResult Reject(ReadOnlySpan<byte> digits) =>
        digits[0] is >= (byte)'0' and <= (byte)'9' && digits.ContainsAny(NewerForms) ? KeyHashResult.Unknown : KeyHashResult.Invalid;
}
