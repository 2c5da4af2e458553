using System.Data;
using Npgsql;
using ShardProxy.Configuration;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Authentication;

/// <summary>
/// Pass-through authentication: what the home shard stores of a user's password (SCRAM-SHA-256$… or md5…), read with
/// the configured query. Logins come in bursts, so answers are kept for a moment and callers for one user share one
/// query; no answer is kept long enough for a changed password to matter.
/// </summary>
public sealed class VerifierLookup : IAsyncDisposable
{
    /// <summary>An old password works at most this long after it was changed.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(5);

    /// <summary>For users that do not exist: short, since CREATE ROLE is followed by a login.</summary>
    public static readonly TimeSpan NegativeLifetime = TimeSpan.FromSeconds(1);

    private const int MaxConnections = 4;

    private readonly ConnectionTarget _target;
    private readonly NpgsqlDataSource _source;
    private readonly VerifierCache _cache;
    private readonly string _query;
    private readonly TimeSpan _timeout;

    public VerifierLookup(ShardConfig home, AuthenticationConfig authentication, LimitsConfig limits, TimeProvider clock)
    {
        _target = home.Primary;
        _query = authentication.Query;
        _timeout = limits.LoginTimeout > TimeSpan.Zero ? limits.LoginTimeout : TimeSpan.FromSeconds(60);
        var settings = NpgsqlSettings.For(home.Primary, limits);
        settings.MaxPoolSize = MaxConnections;
        settings.ApplicationName = "shardproxy authentication";
        settings.CommandTimeout = (int)Math.Ceiling(_timeout.TotalSeconds);
        _source = NpgsqlSettings.DataSource(settings);
        _cache = new VerifierCache(QueryAsync, clock, Lifetime, NegativeLifetime);
    }

    /// <summary>The verifier; null when there is no such user or it has no password.</summary>
    /// <exception cref="SqlException">The home shard cannot be asked.</exception>
    public ValueTask<string?> FindAsync(string user, CancellationToken cancel) => _cache.FindAsync(user, cancel);

    /// <summary>The next login asks the home shard again.</summary>
    public void Forget() => _cache.Forget();

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<string?> QueryAsync(string user)
    {
        using var deadline = new CancellationTokenSource(_timeout);
        try
        {
            await using var connection = await _source.OpenConnectionAsync(deadline.Token);
            await using var command = new NpgsqlCommand(_query, connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = user });
            await using var reader = await command.ExecuteReaderAsync(CommandBehavior.SingleRow, deadline.Token);
            if (reader.FieldCount < 2)
                throw new SqlException(SqlStates.ConfigFileError, "the authentication query must give two columns, a name and a verifier");
            return await reader.ReadAsync(deadline.Token) && !await reader.IsDBNullAsync(1, deadline.Token) ? reader.GetString(1) : null;
        }
        catch (PostgresException exception)
        {
            throw new SqlException(new ServerError(exception.SqlState, $"the authentication query failed: {exception.MessageText}") { Hint = exception.Hint }, exception);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException or OperationCanceledException)
        {
            throw new SqlException(
                new ServerError(SqlStates.CannotConnect, $"the home shard ({_target}) cannot be asked for passwords: {exception.InnerException?.Message ?? exception.Message}"),
                exception);
        }
    }
}
