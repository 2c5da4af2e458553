namespace ShardProxy.Control.Embedded;

/// <param name="Shards">Null: as many as the folder has, or two in a new one.</param>
/// <param name="Folder">Absolute.</param>
/// <param name="Reset">Deletes what an earlier run made in the folder.</param>
public sealed record EmbeddedOptions(int? Shards, int Port, string Folder, bool Reset)
{
    public const int DefaultShards = 2;

    /// <summary>Each shard is a PostgreSQL server of its own on this machine.</summary>
    public const int MaximumShards = 32;
}
