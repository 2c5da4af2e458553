using ShardProxy.Directory;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Control.Distribution;

/// <summary>What a DistributePlan means once its names are resolved on the home shard.</summary>
/// <param name="Key">Null for a reference table.</param>
/// <param name="ColocateWith">Null when the table founds a group of its own.</param>
internal sealed record DistributionRequest(uint Oid, QualifiedName Table, string? Key, QualifiedName? ColocateWith)
{
    /// <summary>Of a group that the table founds: "hash", or what <see cref="Entries"/> are.</summary>
    public string Strategy { get; init; } = PlacementRule.Hash;

    /// <summary>Ranges or lists, each with its shard.</summary>
    public IReadOnlyList<PlacementEntry> Entries { get; init; } = [];

    /// <summary>The column that says a row's zone; null for a table without zones, and for a colocated one whose column has the other's name.</summary>
    public string? ZoneColumn { get; init; }

    public bool IsReference => Key is null;
}
