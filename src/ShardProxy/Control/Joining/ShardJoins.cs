using Microsoft.Extensions.Logging;
using Npgsql;
using ShardProxy.Configuration;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Joining;

/// <summary>Where shards to be added come from: the configuration file, or add_shard.</summary>
internal sealed partial class ShardJoins(
    IReadOnlyList<ControlShard> shards,
    DatabaseDirectory directory,
    LimitsConfig limits,
    Func<Task> refresh,
    Func<Task> publish,
    ILogger logger)
{
    private const string FromFile = "configuration file";

    private readonly ShardJoiner _joiner = new(shards, directory, limits, refresh, publish);
    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);

    /// <param name="user">The client's role on the home shard: the proxy would log in as itself wherever it is sent, so not everybody may send it.</param>
    /// <exception cref="SqlException">Refused or failed; the shard has not joined.</exception>
    public async Task AddAsync(AddShardPlan plan, string user, CancellationToken cancel)
    {
        var home = shards[0].Config;
        await EnsureAllowedAsync(user, cancel);
        if (!Configuration.Identifiers.IsShardName(plan.Name))
            throw Refuse("a shard's name must be of letters, digits, '_', '-' and '.', at most 63 of them");
        if (directory.Shards.Concat(directory.WaitingShards).Any(shard => shard.Name == plan.Name))
            throw Refuse($"there is a shard \"{plan.Name}\" already");
        var errors = new List<string>();
        var target = ConnectionTargetReader.Read(plan.Target, home.Primary.Database, errors, home.Primary);
        if (target is null)
            throw Refuse($"the connection string cannot be used: {string.Join("; ", errors)}");
        if (target.User != home.Primary.User || target.Password != home.Primary.Password || target.SslRootCertificate != home.Primary.SslRootCertificate)
            throw Refuse("user, password and sslrootcert are not kept in the directory: they are those of the home shard; a shard with others is added in the configuration file of each proxy");
        if (directory.Shards.FirstOrDefault(shard => IsSame(shard.Primary, target)) is { } same)
            throw Refuse($"{target} is shard \"{same.Name}\" already");
        await _joiner.RunAsync(new ShardConfig(plan.Name, target), user, cancel);
        Added(directory.Database, plan.Name, target.ToString(), user);
    }

    /// <returns>What could not be done, in words.</returns>
    public async Task<IReadOnlyList<string>> JoinWaitingAsync(CancellationToken cancel)
    {
        var failures = new List<string>();
        foreach (var shard in directory.WaitingShards)
        {
            try
            {
                await _joiner.RunAsync(shard, FromFile, cancel);
                Added(directory.Database, shard.Name, shard.Primary.ToString(), FromFile);
                _told.Remove(shard.Name);
            }
            catch (Exception exception) when (exception is SqlException or DirectoryException)
            {
                failures.Add($"shard \"{shard.Name}\" was not added: {exception.Message}");
                // It is tried again and again, and told once.
                if (_told.GetValueOrDefault(shard.Name) != exception.Message)
                    NotAdded(directory.Database, shard.Name, exception.Message, (exception as SqlException)?.Hint ?? "");
                _told[shard.Name] = exception.Message;
            }
        }
        return failures;
    }

    private async Task EnsureAllowedAsync(string user, CancellationToken cancel)
    {
        await using var connection = await shards[0].OpenAsync(cancel);
        try
        {
            await using var command = new NpgsqlCommand("SELECT $1 = current_user OR EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolsuper)", connection);
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = user });
            if (await command.ExecuteScalarAsync(cancel) is not true)
                throw new SqlException(SqlStates.InsufficientPrivilege, "permission denied to add a shard", "A superuser may, and the user as whom the proxy connects to the home shard.");
        }
        catch (NpgsqlException exception)
        {
            throw shards[0].Explain(exception);
        }
    }

    private static bool IsSame(ConnectionTarget one, ConnectionTarget other) => (one.Host, one.Port, one.Database) == (other.Host, other.Port, other.Database);

    private static SqlException Refuse(string reason) => new(SqlStates.InvalidParameterValue, reason);

    [LoggerMessage(EventId = 7501, Level = LogLevel.Information, Message = "database {Database}: shard {Shard} at {Target} was added by {User}")]
    private partial void Added(string database, string shard, string target, string user);

    [LoggerMessage(EventId = 7502, Level = LogLevel.Error, Message = "database {Database}: shard {Shard} of the configuration file was not added and is not used: {Reason} {Hint}")]
    private partial void NotAdded(string database, string shard, string reason, string hint);
}
