namespace ShardProxy.Directory.Placements;

/// <summary>From the value of a zone column to the zone's number, which stands for a bucket here.</summary>
public sealed class ZonePlacement : KeyPlacement
{
    private readonly ListPlacement _zones;

    /// <exception cref="PlacementException">A value cannot be read, or is in two zones.</exception>
    public ZonePlacement(PlacementRule rule, uint type) =>
        _zones = new ListPlacement(new ListRule([.. rule.ZoneValues.Select(static (values, number) => new ListBucket(values, number))]), type);

    public override int Find(ReadOnlySpan<byte> image) => _zones.Find(image);

    public override string Missing(ReadOnlySpan<byte> image, string key) => $"a zone with {key}";
}
