using ShardProxy.Directory;

namespace ShardProxy.Control.Distribution;

/// <summary>What a DistributePlan means once its names are resolved on the home shard.</summary>
/// <param name="Key">Null for a reference table.</param>
/// <param name="ColocateWith">Null when the table founds a group of its own.</param>
internal sealed record DistributionRequest(uint Oid, QualifiedName Table, string? Key, QualifiedName? ColocateWith)
{
    public bool IsReference => Key is null;
}
