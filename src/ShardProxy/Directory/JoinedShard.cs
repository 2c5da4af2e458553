using ShardProxy.Configuration;

namespace ShardProxy.Directory;

/// <summary>
/// A shard that came to a database after it was made, and where its server is. The proxy's user and password there are not kept: a
/// proxy whose file names the shard connects as the file says, any other as it does to its home shard.
/// </summary>
/// <param name="SslMode">One of libpq's words.</param>
public sealed record JoinedShard(string Name, string Host, int Port, string Database, string SslMode)
{
    public static JoinedShard Of(ShardConfig shard) =>
        new(shard.Name, shard.Primary.Host, shard.Primary.Port, shard.Primary.Database, ConnectionTargetReader.WordOf(shard.Primary.SslMode));

    /// <summary>As a proxy connects to it whose file does not name it.</summary>
    public ShardConfig Like(ShardConfig home) => new(
        Name,
        home.Primary with { Host = Host, Port = Port, Database = Database, SslMode = ConnectionTargetReader.ModeOf(SslMode) ?? home.Primary.SslMode });
}

/// <summary>A shard has all that every shard must have, and becomes one; it owns no bucket.</summary>
public sealed record ShardJoined(JoinedShard Shard) : DirectoryChange
{
    internal override void ApplyTo(DirectoryDraft draft)
    {
        if (draft.Shards.Exists(shard => shard.Name == Shard.Name) || draft.Owners.Contains(Shard.Name))
            throw new DirectoryException($"there is a shard \"{Shard.Name}\" already");
        draft.Shards.Add(Shard);
    }

    public override string ToString() => $"add shard {Shard.Name} at {Shard.Host}:{Shard.Port}/{Shard.Database}";
}
