using ShardProxy.Protocol.Values;

namespace ShardProxy.Planning.Merging;

/// <summary>Which types and collations the merge compares exactly as PostgreSQL does; what is not here is planned as a gather.</summary>
public static class MergeTypes
{
    /// <summary>Rows can be merged, sorted, and have their least and greatest found by values of this type.</summary>
    public static bool CanOrder(uint type, CollationOrder collation) =>
        ValueKinds.Of(type) != ValueKind.None && (!ValueKinds.IsCollated(type) || collation == CollationOrder.Bytewise);

    /// <summary>Equal values can be told from different ones: DISTINCT, GROUP BY.</summary>
    public static bool CanEqual(uint type, CollationOrder collation) =>
        ValueKinds.Of(type) != ValueKind.None && (!ValueKinds.IsCollated(type) || collation != CollationOrder.Unknown);

    /// <summary>A column that the client sees can be compared in either format; of other types a hidden copy is needed.</summary>
    public static bool ReadsText(uint type) => ValueKinds.ReadsText(type);
}
