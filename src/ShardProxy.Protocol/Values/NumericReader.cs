using System.Numerics;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Values;

/// <summary>Reads numerics as a server sends them.</summary>
public static class NumericReader
{
    public static bool TryReadBinary(ReadOnlySpan<byte> data, out NumericValue value)
    {
        value = default;
        var reader = new WireReader(data);
        if (!reader.TryReadUInt16(out var count) || !reader.TryReadInt16(out var weight) || !reader.TryReadUInt16(out var sign)
            || !reader.TryReadUInt16(out var scale) || reader.Rest.Length != count * sizeof(short))
            return false;
        switch (sign)
        {
            case NumericWire.NaN:
                value = NumericValue.NaN;
                return true;
            case NumericWire.PositiveInfinity:
                value = NumericValue.PositiveInfinity;
                return true;
            case NumericWire.NegativeInfinity:
                value = NumericValue.NegativeInfinity;
                return true;
        }
        var groups = reader.Rest;
        var unscaled = ReadGroups(groups, count);
        // The last group stands at 10000^(weight - count + 1); the value is wanted in units of 10^-scale.
        var shift = ((weight - count + 1) * 4) + scale;
        if (shift > 0)
            unscaled *= BigInteger.Pow(10, shift);
        else if (shift < 0)
            unscaled /= BigInteger.Pow(10, -shift);
        value = new NumericValue(sign == NumericWire.Negative ? -unscaled : unscaled, scale);
        return true;
    }

    public static bool TryReadText(ReadOnlySpan<byte> text, out NumericValue value)
    {
        value = default;
        if (text.SequenceEqual("NaN"u8))
        {
            value = NumericValue.NaN;
            return true;
        }
        if (text.SequenceEqual("Infinity"u8) || text.SequenceEqual("-Infinity"u8))
        {
            value = text[0] == '-' ? NumericValue.NegativeInfinity : NumericValue.PositiveInfinity;
            return true;
        }
        var negative = text.Length > 0 && text[0] == '-';
        var rest = negative ? text[1..] : text;
        var point = rest.IndexOf((byte)'.');
        var scale = point < 0 ? 0 : rest.Length - point - 1;
        var unscaled = BigInteger.Zero;
        var group = 0UL;
        var factor = 1UL;
        foreach (var c in rest)
        {
            if (c == '.')
                continue;
            if (c is < (byte)'0' or > (byte)'9')
                return false;
            group = (group * 10) + (ulong)(c - '0');
            factor *= 10;
            if (factor < 1_000_000_000_000_000_000)
                continue;
            unscaled = (unscaled * factor) + group;
            group = 0;
            factor = 1;
        }
        unscaled = (unscaled * factor) + group;
        value = new NumericValue(negative ? -unscaled : unscaled, scale);
        return rest.Length > 0;
    }

    private static BigInteger ReadGroups(ReadOnlySpan<byte> groups, int count)
    {
        // Four groups, 16 digits, fit one step.
        var result = BigInteger.Zero;
        for (var i = 0; i < count;)
        {
            var step = 0UL;
            var factor = 1UL;
            for (var end = Math.Min(count, i + 4); i < end; i++)
            {
                step = (step * 10_000) + System.Buffers.Binary.BinaryPrimitives.ReadUInt16BigEndian(groups[(i * sizeof(short))..]);
                factor *= 10_000;
            }
            result = result.IsZero ? step : (result * factor) + step;
        }
        return result;
    }
}
