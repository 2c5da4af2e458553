namespace ShardProxy.Control.Loading;

/// <summary>Base types that a key column may have, by their fixed object ids (pg_type.dat).</summary>
internal static class KeyTypes
{
    public static bool IsKeyType(uint baseType) => baseType
        is 16 /* bool */ or 17 /* bytea */ or 20 /* int8 */ or 21 /* int2 */ or 23 /* int4 */ or 25 /* text */
        or 1042 /* bpchar */ or 1043 /* varchar */ or 1082 /* date */ or 1114 /* timestamp */ or 1184 /* timestamptz */
        or 1700 /* numeric */ or 2950 /* uuid */;

    public const string Names = "smallint, integer, bigint, numeric, text, varchar, char, uuid, bytea, date, timestamp, timestamptz or boolean";

    /// <summary>Types whose equal values hash alike (members of one hash operator family), so that keys of them can meet.</summary>
    public static int FamilyOf(uint baseType) => baseType switch
    {
        20 or 21 or 23 => 20,
        25 or 1043 => 25,
        _ => (int)baseType,
    };
}
