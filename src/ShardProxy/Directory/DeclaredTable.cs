namespace ShardProxy.Directory;

/// <summary>A declared table as a store keeps it.</summary>
/// <param name="HomeOid">The table's object id on the home shard, by which a rename is followed; 0 until the table was seen there.</param>
/// <param name="KeyNumber">The key column's attnum on the home shard, by which a rename of the column is followed; 0 until it was seen, and for reference tables.</param>
public sealed record DeclaredTable(TableDistribution Distribution, uint HomeOid, short KeyNumber)
{
    /// <summary>The zone column's attnum on the home shard; 0 until it was seen, and for tables without zones.</summary>
    public short ZoneNumber { get; init; }

    public QualifiedName Name => Distribution.Table;
}
