using System.Globalization;
using Npgsql;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory.Lookup;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Lookups;

/// <summary>
/// A lock on the shard that a key leaves, held by the very transaction that moves its rows: whoever ends the move of a proxy that it
/// takes for dead cannot do so while that could still commit. Who comes second looks whether the move is still announced.
/// </summary>
internal static class MoveLock
{
    // The first of the two numbers of an advisory lock, so that applications' locks are unlikely to meet it.
    private const int Space = 0x53504d4b;

    /// <summary>The statement that takes it to the end of the transaction.</summary>
    public static string Statement(string group, string key)
    {
        // FNV-1a, 32 bits: any hash will do; keys that share one only wait for each other.
        var hash = 2166136261u;
        foreach (var letter in group + key)
            hash = unchecked((hash ^ letter) * 16777619u);
        return string.Create(CultureInfo.InvariantCulture, $"SELECT pg_catalog.pg_advisory_xact_lock({Space}, {unchecked((int)hash)})");
    }

    /// <summary>Runs <paramref name="work"/> when the transaction that may move the key's rows is over.</summary>
    /// <returns>False when it is not yet.</returns>
    public static async Task<bool> TryAsync(ControlShard source, KeyMove move, Func<Task<bool>> work, CancellationToken cancel)
    {
        await using var connection = await source.OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await TableAccess.ExecuteAsync(connection, "SET LOCAL lock_timeout = '1s'", cancel);
            await TableAccess.ExecuteAsync(connection, Statement(move.Group, move.Key), cancel);
            return await work();
        }
        catch (PostgresException exception) when (exception.SqlState == SqlStates.LockNotAvailable)
        {
            return false;
        }
        catch (NpgsqlException exception)
        {
            throw source.Explain(exception);
        }
    }
}
