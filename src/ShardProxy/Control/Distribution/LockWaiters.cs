using Npgsql;
using ShardProxy.Control.Shards;

namespace ShardProxy.Control.Distribution;

/// <summary>
/// Statements on a table that were routed before it was distributed and now wait for its lock on the home shard. Let go,
/// they would read or write there what belongs to all shards, so they are cancelled (57014), as often as new ones show
/// up until none has come for a while.
/// </summary>
internal static class LockWaiters
{
    private const int QuietRounds = 5;
    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(10);

    private const string Sql = """
        SELECT count(*) FILTER (WHERE pg_cancel_backend(w.pid))::int4
        FROM (SELECT DISTINCT pid FROM pg_locks l
              WHERE l.locktype = 'relation' AND l.relation = $1 AND NOT l.granted
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) w
        """;

    public static async Task CancelAsync(ControlShard home, uint table)
    {
        await using var connection = await home.OpenAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = table, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
        for (var quiet = 0; quiet < QuietRounds; quiet++)
        {
            if ((int)(await command.ExecuteScalarAsync())! > 0)
                quiet = 0;
            await Task.Delay(Round);
        }
    }
}
