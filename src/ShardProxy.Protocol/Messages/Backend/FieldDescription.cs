namespace ShardProxy.Protocol.Messages;

/// <summary>A result column that the proxy describes itself.</summary>
/// <param name="TableOid">0 when the column is not a table's.</param>
/// <param name="ColumnNumber">pg_attribute.attnum, or 0.</param>
/// <param name="TypeLength">pg_type.typlen: negative for types of variable length.</param>
/// <param name="TypeModifier">pg_attribute.atttypmod, or -1.</param>
/// <param name="Format">0 text, 1 binary.</param>
public readonly record struct FieldDescription(
    string Name,
    uint TypeOid,
    short TypeLength,
    int TypeModifier = -1,
    short Format = 0,
    uint TableOid = 0,
    short ColumnNumber = 0);
