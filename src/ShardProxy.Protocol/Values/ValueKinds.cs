namespace ShardProxy.Protocol.Values;

/// <summary>Which types are compared here as PostgreSQL's default btree operator class compares them; the list is closed.</summary>
public static class ValueKinds
{
    /// <summary>None for a type that is not known here. Strings are under a bytewise collation.</summary>
    public static ValueKind Of(uint type) => type switch
    {
        TypeOid.Bool => ValueKind.Bool,
        TypeOid.Int2 => ValueKind.Int16,
        TypeOid.Int4 or TypeOid.Date => ValueKind.Int32,
        TypeOid.Int8 or TypeOid.Time or TypeOid.Timestamp or TypeOid.Timestamptz or TypeOid.Money => ValueKind.Int64,
        TypeOid.Oid => ValueKind.UInt32,
        TypeOid.PgLsn or TypeOid.Xid8 => ValueKind.UInt64,
        TypeOid.Float4 => ValueKind.Float4,
        TypeOid.Float8 => ValueKind.Float8,
        TypeOid.Numeric => ValueKind.Numeric,
        TypeOid.Text or TypeOid.Varchar or TypeOid.Name or TypeOid.Bytea => ValueKind.Bytes,
        TypeOid.Bpchar => ValueKind.TrimmedBytes,
        TypeOid.Uuid or TypeOid.Macaddr or TypeOid.Macaddr8 or TypeOid.Char => ValueKind.FixedBytes,
        TypeOid.TimeTz => ValueKind.TimeTz,
        TypeOid.Interval => ValueKind.Interval,
        TypeOid.Bit or TypeOid.Varbit => ValueKind.Bits,
        _ => ValueKind.None,
    };

    /// <summary>The type's order depends on a collation.</summary>
    public static bool IsCollated(uint type) => type is TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar or TypeOid.Name;

    /// <summary>
    /// Values can be compared by their text, whatever the session's settings: it is read as easily as the binary format
    /// and loses nothing.
    /// </summary>
    public static bool ReadsText(uint type) => type is TypeOid.Bool or TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Oid
        or TypeOid.Text or TypeOid.Varchar or TypeOid.Name or TypeOid.Bpchar or TypeOid.Uuid or TypeOid.Numeric;
}
