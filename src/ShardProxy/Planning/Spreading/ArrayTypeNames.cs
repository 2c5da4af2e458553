using ShardProxy.Protocol.Values;

namespace ShardProxy.Planning;

/// <summary>Types whose arrays can be passed on, by what SQL calls them.</summary>
internal static class ArrayTypeNames
{
    /// <summary>How values compare hangs on a collation.</summary>
    public static bool IsText(uint element) => element is TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar;

    public static string? Of(uint element) => element switch
    {
        TypeOid.Bool => "pg_catalog.bool[]",
        TypeOid.Bytea => "pg_catalog.bytea[]",
        TypeOid.Int2 => "pg_catalog.int2[]",
        TypeOid.Int4 => "pg_catalog.int4[]",
        TypeOid.Int8 => "pg_catalog.int8[]",
        TypeOid.Oid => "pg_catalog.oid[]",
        TypeOid.Float4 => "pg_catalog.float4[]",
        TypeOid.Float8 => "pg_catalog.float8[]",
        TypeOid.Numeric => "pg_catalog.numeric[]",
        TypeOid.Text => "pg_catalog.text[]",
        TypeOid.Varchar => "pg_catalog.varchar[]",
        TypeOid.Bpchar => "pg_catalog.bpchar[]",
        TypeOid.Date => "pg_catalog.date[]",
        TypeOid.Time => "pg_catalog.time[]",
        TypeOid.TimeTz => "pg_catalog.timetz[]",
        TypeOid.Timestamp => "pg_catalog.timestamp[]",
        TypeOid.Timestamptz => "pg_catalog.timestamptz[]",
        TypeOid.Interval => "pg_catalog.interval[]",
        TypeOid.Money => "pg_catalog.money[]",
        TypeOid.Uuid => "pg_catalog.uuid[]",
        TypeOid.Json => "pg_catalog.json[]",
        TypeOid.Jsonb => "pg_catalog.jsonb[]",
        _ => null,
    };
}
