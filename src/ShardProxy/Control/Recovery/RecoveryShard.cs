using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Recovery;

/// <summary>One shard as recovery talks to it: by connections of its own, because a question for a decision may have to wait.</summary>
internal sealed class RecoveryShard(int index, ShardConfig config, LimitsConfig limits, Func<Stamp> stamp) : IAsyncDisposable
{
    // What waits for a deciding transaction has a limit of its own; nothing else here takes long.
    private readonly ControlShard _shard = new(config, limits, commandTimeout: 10);

    public int Index => index;

    public string Name => config.Name;

    /// <exception cref="SqlException">It cannot be reached, or is another shard than it should be.</exception>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancel)
    {
        var connection = await _shard.OpenAsync(cancel);
        try
        {
            await using var command = new NpgsqlCommand(Stamp.Query, connection);
            var found = await command.ExecuteScalarAsync(cancel) as string;
            if (stamp().DescribeMismatch(found, config.Primary.ToString()) is { } mismatch)
                throw new SqlException(SqlStates.CannotConnect, mismatch);
            return connection;
        }
        catch (Exception exception)
        {
            await connection.DisposeAsync();
            throw exception is NpgsqlException or TimeoutException or IOException ? _shard.Explain(exception) : exception;
        }
    }

    /// <summary>Runs something on a connection; what goes wrong is a <see cref="SqlException"/> with the shard's name.</summary>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancel)
    {
        await using var connection = await OpenAsync(cancel);
        try
        {
            return await work(connection, cancel);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
        {
            throw _shard.Explain(exception);
        }
    }

    public SqlException Explain(Exception exception) => _shard.Explain(exception);

    public ValueTask DisposeAsync() => _shard.DisposeAsync();
}
