using System.Collections.Concurrent;
using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Uniqueness;

/// <summary>What the shards of one database have for global indexes; asked when it is needed first.</summary>
internal sealed class UniqueControl(IReadOnlyList<ControlShard> shards)
{
    private readonly ConcurrentDictionary<int, UniqueSupport> _support = new();

    /// <exception cref="SqlException">The shard cannot be reached, or its user may not make what is needed.</exception>
    public async Task<UniqueSupport> SupportAsync(int shard, CancellationToken cancel)
    {
        if (_support.TryGetValue(shard, out var known))
            return known;
        await using var connection = await shards[shard].OpenAsync(cancel);
        try
        {
            return _support[shard] = await UniquePreparation.RunAsync(connection, cancel);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
        {
            throw shards[shard].Explain(exception);
        }
    }

    /// <summary>Null while the shard has not been asked.</summary>
    public UniqueSupport? Known(int shard) => _support.GetValueOrDefault(shard);
}
