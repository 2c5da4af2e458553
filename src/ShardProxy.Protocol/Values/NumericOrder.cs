using System.Buffers.Binary;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// The order of numerics, without computing with them. Like the server, it counts on numbers being sent without zeros at
/// their ends (binary) or in front (text). NaN is the greatest, and equal to itself.
/// </summary>
internal static class NumericOrder
{
    public static int CompareBinary(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        if (a.Length < NumericWire.HeaderLength || b.Length < NumericWire.HeaderLength)
            throw WireScalar.Malformed();
        var rankA = Rank(a);
        var rankB = Rank(b);
        if (rankA != rankB || rankA is not (1 or -1))
            return rankA.CompareTo(rankB);
        var weightA = BinaryPrimitives.ReadInt16BigEndian(a[NumericWire.WeightOffset..]);
        var weightB = BinaryPrimitives.ReadInt16BigEndian(b[NumericWire.WeightOffset..]);
        // Digits of equal weight compare like strings of big-endian numbers; more digits are more.
        var magnitude = weightA != weightB
            ? weightA.CompareTo(weightB)
            : a[NumericWire.HeaderLength..].SequenceCompareTo(b[NumericWire.HeaderLength..]);
        return rankA * magnitude;
    }

    public static int CompareText(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        var rankA = TextRank(a);
        var rankB = TextRank(b);
        if (rankA != rankB || rankA is not (1 or -1))
            return rankA.CompareTo(rankB);
        Split(a, out var wholeA, out var fractionA);
        Split(b, out var wholeB, out var fractionB);
        var magnitude = wholeA.Length != wholeB.Length ? wholeA.Length.CompareTo(wholeB.Length) : wholeA.SequenceCompareTo(wholeB);
        if (magnitude == 0)
            magnitude = fractionA.SequenceCompareTo(fractionB);
        return rankA * magnitude;
    }

    /// <summary>Without sign and point, and without the zeros that only the scale shows.</summary>
    internal static void Split(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> whole, out ReadOnlySpan<byte> fraction)
    {
        if (text[0] == '-')
            text = text[1..];
        var point = text.IndexOf((byte)'.');
        whole = (point < 0 ? text : text[..point]).TrimStart((byte)'0');
        fraction = point < 0 ? default : text[(point + 1)..].TrimEnd((byte)'0');
    }

    /// <summary>-2 for minus infinity, -1 for negative numbers, 0, 1, 2 for infinity, 3 for NaN.</summary>
    internal static int Rank(ReadOnlySpan<byte> binary) => BinaryPrimitives.ReadUInt16BigEndian(binary[NumericWire.SignOffset..]) switch
    {
        NumericWire.NaN => 3,
        NumericWire.PositiveInfinity => 2,
        NumericWire.NegativeInfinity => -2,
        _ when binary.Length == NumericWire.HeaderLength => 0,
        NumericWire.Negative => -1,
        _ => 1,
    };

    internal static int TextRank(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            throw WireScalar.Malformed();
        return text[0] switch
        {
            (byte)'N' => 3,
            (byte)'I' => 2,
            (byte)'-' when text.Length > 1 && text[1] == 'I' => -2,
            (byte)'-' => -1,
            _ => text.ContainsAnyInRange((byte)'1', (byte)'9') ? 1 : 0,
        };
    }
}
