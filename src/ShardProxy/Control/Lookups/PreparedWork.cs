using Npgsql;
using ShardProxy.Control.Recovery;
using ShardProxy.Control.Shards;

namespace ShardProxy.Control.Lookups;

/// <summary>Waits until what stands prepared on the shards by now is committed or rolled back, by its session or by recovery.</summary>
internal static class PreparedWork
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <exception cref="SqlException">A shard cannot be asked.</exception>
    public static async Task WhenOverAsync(IReadOnlyList<ControlShard> shards, string cluster, CancellationToken cancel) =>
        await Task.WhenAll(shards.Select(async shard =>
        {
            var waiting = await NamesAsync(shard, cluster, cancel);
            while (waiting.Count > 0)
            {
                await Task.Delay(Interval, cancel);
                waiting.IntersectWith(await NamesAsync(shard, cluster, cancel));
            }
        }));

    private static async Task<HashSet<string>> NamesAsync(ControlShard shard, string cluster, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            return [.. (await PreparedPart.FindAsync(connection, cluster, cancel)).Select(static part => part.Name)];
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }
}
