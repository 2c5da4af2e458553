using Npgsql;
using ShardProxy.Configuration;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Shards;

/// <summary>One shard as Control talks to it: few pooled connections of its own as the shard's configured user.</summary>
public sealed class ControlShard : IAsyncDisposable
{
    /// <summary>A catalog load, a declaration and a check may run at once.</summary>
    private const int MaxConnections = 4;

    private readonly NpgsqlDataSource _source;

    /// <param name="commandTimeout">Seconds that one statement may take; the usual limit when null.</param>
    public ControlShard(ShardConfig config, LimitsConfig limits, int? commandTimeout = null)
    {
        Config = config;
        var settings = NpgsqlSettings.For(config.Primary, limits);
        if (commandTimeout is { } seconds)
            settings.CommandTimeout = seconds;
        settings.MaxPoolSize = MaxConnections;
        // Nothing that Control runs may be captured by a user's objects, and what the catalog prints has all names qualified.
        settings.SearchPath = "pg_catalog";
        _source = NpgsqlSettings.DataSource(settings);
    }

    public ShardConfig Config { get; }

    public string Name => Config.Name;

    /// <summary>What errors call it.</summary>
    public string Title
    {
        get => field ?? $"shard \"{Name}\"";
        init;
    }

    /// <exception cref="SqlException">The shard cannot be reached (08001), or it refuses the login.</exception>
    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancel)
    {
        try
        {
            return await _source.OpenConnectionAsync(cancel);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException)
        {
            throw Explain(exception);
        }
    }

    /// <summary>What went wrong on this shard, for a client: the server's own SQLSTATE and words, with the shard's name in front.</summary>
    public SqlException Explain(Exception exception) => exception switch
    {
        SqlException known => known,
        PostgresException server => new SqlException(
            new ServerError(server.SqlState, $"{Title}: {server.MessageText}") { Detail = server.Detail, Hint = server.Hint, Where = server.Where },
            exception),
        _ => new SqlException(
            new ServerError(SqlStates.CannotConnect, $"{Title} ({Config.Primary}) cannot be reached: {exception.InnerException?.Message ?? exception.Message}"),
            exception),
    };

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
