namespace ShardProxy.Protocol.Values;

/// <summary>Object ids of PostgreSQL's own types, the same on every server (pg_type.dat).</summary>
public static class TypeOid
{
    public const uint Bool = 16;
    public const uint Bytea = 17;

    /// <summary>"char": one byte.</summary>
    public const uint Char = 18;
    public const uint Name = 19;
    public const uint Int8 = 20;
    public const uint Int2 = 21;
    public const uint Int4 = 23;
    public const uint Text = 25;
    public const uint Oid = 26;
    public const uint Tid = 27;
    public const uint Float4 = 700;
    public const uint Float8 = 701;

    /// <summary>A literal or parameter whose type the context decides.</summary>
    public const uint Unknown = 705;
    public const uint Money = 790;
    public const uint Macaddr = 829;
    public const uint Macaddr8 = 774;

    /// <summary>char(n).</summary>
    public const uint Bpchar = 1042;
    public const uint Varchar = 1043;
    public const uint Date = 1082;
    public const uint Time = 1083;
    public const uint Timestamp = 1114;
    public const uint Timestamptz = 1184;
    public const uint Interval = 1186;
    public const uint TimeTz = 1266;
    public const uint Bit = 1560;
    public const uint Varbit = 1562;
    public const uint Numeric = 1700;
    public const uint Uuid = 2950;
    public const uint Json = 114;
    public const uint Jsonb = 3802;
    public const uint PgLsn = 3220;
    public const uint Xid8 = 5069;

    /// <summary>Whether a column of this type can be a shard key.</summary>
    public static bool IsKey(uint type) => type is Bool or Bytea or Int8 or Int2 or Int4 or Text or Bpchar or Varchar
        or Date or Timestamp or Timestamptz or Numeric or Uuid;

    /// <summary>The element type of an array of a key type, or of a type that compares with one; 0 for anything else.</summary>
    public static uint ElementOf(uint arrayType) => arrayType switch
    {
        1000 => Bool,
        1001 => Bytea,
        1003 => Name,
        1005 => Int2,
        1007 => Int4,
        1009 => Text,
        1014 => Bpchar,
        1015 => Varchar,
        1016 => Int8,
        1021 => Float4,
        1022 => Float8,
        1115 => Timestamp,
        1182 => Date,
        1185 => Timestamptz,
        1231 => Numeric,
        2951 => Uuid,
        _ => 0,
    };
}
