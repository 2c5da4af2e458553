using ShardProxy.Protocol.Values;

namespace ShardProxy.Control.Loading;

/// <summary>Types of key columns.</summary>
internal static class KeyTypes
{
    /// <summary>For messages: what <see cref="TypeOid.IsKey"/> accepts.</summary>
    public const string Names = "smallint, integer, bigint, numeric, text, varchar, char, uuid, bytea, date, timestamp, timestamptz or boolean";

    /// <summary>Whether equal values of two key types hash alike (members of one hash operator family), so that their keys can meet.</summary>
    public static bool PlaceAlike(uint one, uint other) => FamilyOf(one) == FamilyOf(other);

    private static uint FamilyOf(uint baseType) => baseType switch
    {
        TypeOid.Int2 or TypeOid.Int4 => TypeOid.Int8,
        TypeOid.Varchar => TypeOid.Text,
        _ => baseType,
    };
}
