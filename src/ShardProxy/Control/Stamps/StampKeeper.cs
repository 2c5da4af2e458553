using Microsoft.Extensions.Logging;
using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Stamps;

/// <summary>
/// Writes the stamp on shards that carry none. Where the configured user may not, it says once what a superuser should
/// run, and the proxy goes on without: a stamp guards against a wrong connection string, nothing depends on it.
/// </summary>
internal sealed partial class StampKeeper(IReadOnlyList<ControlShard> shards, string database, string cluster, ILogger logger)
{
    private readonly HashSet<int> _settled = [];

    public Stamp StampOf(int shard) => new(cluster, database, shards[shard].Name);

    /// <summary>Stamps every shard that <paramref name="carriesNone"/> names; a shard that cannot be reached is tried again next time.</summary>
    public async Task WriteAsync(IReadOnlyList<bool> carriesNone, CancellationToken cancel)
    {
        for (var index = 0; index < carriesNone.Count; index++)
        {
            if (carriesNone[index] && !_settled.Contains(index) && await TryWriteAsync(index, cancel))
                _settled.Add(index);
        }
    }

    private async Task<bool> TryWriteAsync(int index, CancellationToken cancel)
    {
        var shard = shards[index];
        var stamp = StampOf(index).Format();
        try
        {
            await using var connection = await shard.OpenAsync(cancel);
            var statement = await StatementAsync(connection, stamp, cancel);
            await using var command = new NpgsqlCommand(statement, connection);
            try
            {
                await command.ExecuteNonQueryAsync(cancel);
                Stamped(shard.Name, stamp);
            }
            catch (PostgresException exception) when (exception.SqlState is SqlStates.InsufficientPrivilege or SqlStates.ReadOnlySqlTransaction)
            {
                MayNotStamp(shard.Name, exception.MessageText, statement);
            }
            return true;
        }
        catch (Exception exception) when (exception is SqlException or NpgsqlException or IOException or TimeoutException)
        {
            StampFailed(shard.Name, exception.Message);
            return false;
        }
    }

    private static async Task<string> StatementAsync(NpgsqlConnection connection, string stamp, CancellationToken cancel)
    {
        const string Sql = "SELECT format('ALTER DATABASE %I SET shardproxy.stamp = %L', current_database(), $1)";
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stamp });
        return (string)(await command.ExecuteScalarAsync(cancel))!;
    }

    [LoggerMessage(EventId = 7201, Level = LogLevel.Information, Message = "shard {Shard} is stamped {Stamp}")]
    private partial void Stamped(string shard, string stamp);

    [LoggerMessage(EventId = 7202, Level = LogLevel.Warning, Message = "shard {Shard} cannot be stamped ({Reason}); a wrong connection string would go unnoticed. As a superuser run there: {Statement}")]
    private partial void MayNotStamp(string shard, string reason, string statement);

    [LoggerMessage(EventId = 7203, Level = LogLevel.Warning, Message = "shard {Shard} was not stamped yet: {Reason}")]
    private partial void StampFailed(string shard, string reason);
}
