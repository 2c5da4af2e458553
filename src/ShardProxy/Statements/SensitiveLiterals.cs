using System.Buffers.Binary;

namespace ShardProxy.Statements;

/// <summary>
/// The literals of a text that shaped its template, as bytes: for each slot the number of its literals, and for each
/// literal its length and its text. Equal bytes mean equal literals.
/// </summary>
internal static class SensitiveLiterals
{
    public static byte[] Copy(ShapeScanner scanned, ReadOnlySpan<byte> sql, int[] slots)
    {
        var size = 0;
        foreach (var index in slots)
        {
            size += sizeof(int);
            var slot = scanned.GetSlot(index);
            for (var literal = slot.FirstLiteral; literal < slot.FirstLiteral + slot.LiteralCount; literal++)
                size += sizeof(int) + scanned.GetLiteral(literal).Length;
        }
        var bytes = new byte[size];
        var rest = bytes.AsSpan();
        foreach (var index in slots)
        {
            var slot = scanned.GetSlot(index);
            BinaryPrimitives.WriteInt32LittleEndian(rest, slot.LiteralCount);
            rest = rest[sizeof(int)..];
            for (var number = slot.FirstLiteral; number < slot.FirstLiteral + slot.LiteralCount; number++)
            {
                var literal = scanned.GetLiteral(number);
                BinaryPrimitives.WriteInt32LittleEndian(rest, literal.Length);
                sql.Slice(literal.Start, literal.Length).CopyTo(rest[sizeof(int)..]);
                rest = rest[(sizeof(int) + literal.Length)..];
            }
        }
        return bytes;
    }

    /// <summary>Whether <paramref name="bytes"/> is what <see cref="Copy"/> would give.</summary>
    public static bool Equal(ReadOnlySpan<byte> bytes, ShapeScanner scanned, ReadOnlySpan<byte> sql, int[] slots)
    {
        foreach (var index in slots)
        {
            var slot = scanned.GetSlot(index);
            if (!Take(ref bytes, slot.LiteralCount))
                return false;
            for (var number = slot.FirstLiteral; number < slot.FirstLiteral + slot.LiteralCount; number++)
            {
                var literal = scanned.GetLiteral(number);
                if (!Take(ref bytes, literal.Length) || !bytes.StartsWith(sql.Slice(literal.Start, literal.Length)))
                    return false;
                bytes = bytes[literal.Length..];
            }
        }
        return bytes.IsEmpty;
    }

    public static ulong Hash(ulong seed, ShapeScanner scanned, ReadOnlySpan<byte> sql, int[] slots)
    {
        var hash = seed;
        foreach (var index in slots)
        {
            var slot = scanned.GetSlot(index);
            for (var number = slot.FirstLiteral; number < slot.FirstLiteral + slot.LiteralCount; number++)
            {
                var literal = scanned.GetLiteral(number);
                hash = ShapeHash.Combine(hash, ShapeHash.Compute(sql.Slice(literal.Start, literal.Length)));
            }
        }
        return hash;
    }

    private static bool Take(ref ReadOnlySpan<byte> bytes, int expected)
    {
        if (bytes.Length < sizeof(int) || BinaryPrimitives.ReadInt32LittleEndian(bytes) != expected)
            return false;
        bytes = bytes[sizeof(int)..];
        return true;
    }
}
