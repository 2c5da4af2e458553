using Npgsql;
using ShardProxy.Control.Shards;

namespace ShardProxy.Control.Distribution;

/// <summary>
/// Statements on a table that were routed before it was distributed and now wait for its lock on the home shard. Let go,
/// they would read or write there what belongs to all shards, so they are cancelled (57014). Called when nothing is sent
/// by the old routing any more: what was sent is then given a moment to arrive. Statements that the new routing sends to
/// the home shard wait for the lock too and cannot be told apart, so the rounds are counted and not repeated until none
/// waits: under load that would never end. A row that slipped through all the same is found by RowPlacement, which looks
/// at the table once the lock is gone.
/// </summary>
internal static class LockWaiters
{
    private const int Rounds = 6;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    // Proxies' own connections look at the table's rows only, once the lock is gone.
    private const string Sql = $"""
        SELECT count(*) FILTER (WHERE pg_cancel_backend(w.pid))::int4
        FROM (SELECT DISTINCT pid FROM pg_locks l
              WHERE l.locktype = 'relation' AND l.relation = $1 AND NOT l.granted
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = l.pid AND a.application_name = '{NpgsqlSettings.ApplicationName}')) w
        """;

    public static async Task CancelAsync(ControlShard home, uint table)
    {
        await using var connection = await home.OpenAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = table, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
        for (var round = 0; round < Rounds; round++)
        {
            await command.ExecuteNonQueryAsync();
            await Task.Delay(Pause);
        }
    }
}
