namespace ShardProxy.Protocol.Values;

/// <summary>How values of a type are laid out and compared: what several types have in common.</summary>
public enum ValueKind : byte
{
    None,
    Bool,
    Int16,
    Int32,
    Int64,

    /// <summary>oid and other unsigned 32-bit numbers.</summary>
    UInt32,

    /// <summary>pg_lsn, xid8.</summary>
    UInt64,
    Float4,
    Float8,
    Numeric,

    /// <summary>Compared byte by byte, the shorter first: text under a bytewise collation, bytea.</summary>
    Bytes,

    /// <summary>As <see cref="Bytes"/> without blanks at the end: char(n).</summary>
    TrimmedBytes,

    /// <summary>Of fixed length and compared byte by byte: uuid, macaddr, "char".</summary>
    FixedBytes,

    /// <summary>Microseconds within a day and a zone in seconds west of Greenwich.</summary>
    TimeTz,
    Interval,

    /// <summary>A length in bits and the bits.</summary>
    Bits,
}
