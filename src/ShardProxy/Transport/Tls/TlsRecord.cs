using System.Buffers.Binary;

namespace ShardProxy.Transport.Tls;

/// <summary>Where one TLS record ends (RFC 8446, 5.1): a type byte, two bytes of version, a big-endian length, the fragment.</summary>
internal static class TlsRecord
{
    internal const int HeaderLength = 5;

    /// <summary>Largest fragment of plain text, in bytes.</summary>
    internal const int MaxPlainLength = 1 << 14;

    /// <summary>Largest fragment on the wire: TLS 1.2 allows 2048 bytes of expansion, TLS 1.3 256.</summary>
    internal const int MaxCipherLength = MaxPlainLength + 2048;

    internal const byte HandshakeType = 22;

    private const byte FirstType = 20;
    private const byte LastType = 24;

    /// <summary>
    /// Bytes of the first record in <paramref name="data"/>, or 0 when it is not all there. What cannot be a record counts
    /// as complete, so that the TLS engine sees it and refuses it.
    /// </summary>
    internal static int CompleteLength(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
            return 0;
        if (data[0] is < FirstType or > LastType)
            return data.Length;
        if (data.Length < HeaderLength)
            return 0;
        int length = BinaryPrimitives.ReadUInt16BigEndian(data[3..]);
        if (length > MaxCipherLength)
            return data.Length;
        return data.Length >= HeaderLength + length ? HeaderLength + length : 0;
    }
}
