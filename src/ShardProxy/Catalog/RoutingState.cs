using ShardProxy.Configuration;
using ShardProxy.Directory;

namespace ShardProxy.Catalog;

/// <summary>
/// All that routing in one database depends on: immutable and swapped whole, so that a statement is planned and bound
/// against one consistent state. Control publishes it; the data path reads it.
/// </summary>
/// <param name="Version">Grows with every published state of this process; templates are cached under it.</param>
/// <param name="Shards">The configured shards; index 0 is the home shard.</param>
public sealed record RoutingState(CatalogSnapshot Catalog, DirectorySnapshot Directory, long Version, IReadOnlyList<ShardConfig> Shards)
{
    /// <summary>
    /// Why nothing can be routed now: the home shard's catalog was never read since the proxy started. For the client, as
    /// the message of an error 57P03. Null when all is well, and it stays null when the home shard goes down later.
    /// </summary>
    public string? Unavailable { get; init; }
}
