using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Values;

/// <summary>Reads numerics as numeric_recv does.</summary>
internal static class DecimalBinary
{
    private const ushort Positive = 0x0000;
    private const ushort Negative = 0x4000;
    private const ushort NaN = 0xC000;
    private const ushort PositiveInfinity = 0xD000;
    private const ushort NegativeInfinity = 0xF000;

    /// <param name="scratch">At least twice as long as the value: four digits for each two bytes.</param>
    public static KeyHashResult TryRead(scoped ReadOnlySpan<byte> data, Span<byte> scratch, out DecimalValue value)
    {
        value = default;
        var reader = new WireReader(data);
        if (!reader.TryReadUInt16(out var count) || !reader.TryReadInt16(out var weight) || !reader.TryReadUInt16(out var sign)
            || !reader.TryReadUInt16(out var scale) || reader.Rest.Length != count * sizeof(short))
            return KeyHashResult.Invalid;
        if (sign is NaN or PositiveInfinity or NegativeInfinity)
        {
            value = new DecimalValue(sign == NaN ? DecimalKind.NaN : DecimalKind.Infinity, sign == NegativeInfinity);
            return KeyHashResult.Hashed;
        }
        if (sign is not (Positive or Negative))
            return KeyHashResult.Invalid;
        for (var i = 0; i < count; i++)
        {
            reader.TryReadUInt16(out var group);
            if (group > 9999)
                return KeyHashResult.Invalid;
            scratch[i * 4] = (byte)(group / 1000);
            scratch[(i * 4) + 1] = (byte)(group / 100 % 10);
            scratch[(i * 4) + 2] = (byte)(group / 10 % 10);
            scratch[(i * 4) + 3] = (byte)(group % 10);
        }
        var point = (weight + 1) * 4;
        // Digits beyond the display scale are cut off, not rounded.
        var kept = Math.Clamp(point + scale, 0, count * 4);
        value = new DecimalValue(sign == Negative, scratch[..kept], point);
        return KeyHashResult.Hashed;
    }
}
