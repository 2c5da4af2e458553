namespace ShardProxy.Protocol.Values;

/// <summary>
/// Where a key value goes once it was read and converted to the key's type: its hash, or its ordered image. The readers
/// are generic over it, so that each use is compiled for itself and costs nothing.
/// </summary>
internal interface IKeySink
{
    /// <summary>int2, int4 and int8.</summary>
    void Integer(long value);

    void Numeric(scoped in DecimalValue value);

    /// <summary>text and varchar.</summary>
    void Text(ReadOnlySpan<byte> value);

    /// <summary>char(n): trailing blanks do not count.</summary>
    void Bpchar(ReadOnlySpan<byte> value);

    void Bytea(ReadOnlySpan<byte> value);

    /// <param name="value">16 bytes in network order.</param>
    void Uuid(ReadOnlySpan<byte> value);

    void Bool(bool value);

    /// <param name="days">Since 2000-01-01; the ends of the range are the infinities.</param>
    void Date(int days);

    /// <summary>timestamp and timestamptz.</summary>
    /// <param name="microseconds">Since 2000-01-01 00:00:00; the ends of the range are the infinities.</param>
    void Timestamp(long microseconds);
}
