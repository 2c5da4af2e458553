using System.Buffers.Binary;

namespace ShardProxy.Protocol.Framing;

/// <summary>
/// The format codes of a list of values as messages carry them: none (all text), one (for all), or one for each; 0 is
/// text, 1 is binary, and what else is there is for the server to refuse.
/// </summary>
public readonly ref struct FormatCodes
{
    internal FormatCodes(ReadOnlySpan<byte> raw) => Raw = raw;

    /// <summary>The codes as big-endian Int16, without their count.</summary>
    public ReadOnlySpan<byte> Raw { get; }

    public int Count => Raw.Length / sizeof(short);

    /// <summary>The format of value <paramref name="index"/>, by the rule above.</summary>
    public short this[int index] => Count switch
    {
        0 => 0,
        1 => BinaryPrimitives.ReadInt16BigEndian(Raw),
        _ => BinaryPrimitives.ReadInt16BigEndian(Raw[(index * sizeof(short))..]),
    };

    internal static bool TryRead(scoped ref WireReader reader, out FormatCodes codes)
    {
        codes = default;
        if (!reader.TryReadUInt16(out var count) || !reader.TryReadBytes(count * sizeof(short), out var raw))
            return false;
        codes = new FormatCodes(raw);
        return true;
    }

    /// <summary>Whether these can describe <paramref name="count"/> values.</summary>
    internal bool Fits(int count) => Count <= 1 || Count == count;
}
