using Npgsql;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Control.Recovery;

/// <summary>A prepared part of one of our transactions, found on a shard.</summary>
/// <param name="Age">Since it was prepared, by the clock of its server.</param>
internal sealed record PreparedPart(string Name, GlobalTransactionId Transaction, string Owner, TimeSpan Age)
{
    /// <summary>What stands prepared in the connection's database and is this cluster's.</summary>
    public static async Task<List<PreparedPart>> FindAsync(NpgsqlConnection connection, string cluster, CancellationToken cancel)
    {
        const string Sql = """
            SELECT gid, owner, pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) prepared)
            FROM pg_catalog.pg_prepared_xacts
            WHERE database = pg_catalog.current_database() AND pg_catalog.starts_with(gid, $1)
            """;
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{GlobalTransactionId.Prefix}{cluster}:" });
        await using var reader = await command.ExecuteReaderAsync(cancel);
        var parts = new List<PreparedPart>();
        while (await reader.ReadAsync(cancel))
        {
            var name = reader.GetString(0);
            if (GlobalTransactionId.TryParse(name, out var transaction) && transaction.Cluster == cluster)
                parts.Add(new PreparedPart(name, transaction, reader.GetString(1), TimeSpan.FromSeconds(reader.GetDouble(2))));
        }
        return parts;
    }

    /// <summary>Commits or rolls it back; that somebody else has done so meanwhile is as good.</summary>
    public async Task FinishAsync(NpgsqlConnection connection, bool commit, CancellationToken cancel)
    {
        var statement = $"{(commit ? "COMMIT" : "ROLLBACK")} PREPARED '{Name}'";
        try
        {
            await RunAsync(connection, statement, cancel);
        }
        catch (PostgresException exception) when (exception.SqlState == SqlStates.InsufficientPrivilege)
        {
            // Only a superuser may finish what another role has prepared; a member of the role may be it for a moment.
            await RunAsync(connection, $"SET ROLE {Quoted(Owner)}", cancel);
            try
            {
                await RunAsync(connection, statement, cancel);
            }
            finally
            {
                await RunAsync(connection, "RESET ROLE", CancellationToken.None);
            }
        }
    }

    private static async Task RunAsync(NpgsqlConnection connection, string statement, CancellationToken cancel)
    {
        try
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync(cancel);
        }
        catch (PostgresException exception) when (exception.SqlState == SqlStates.UndefinedObject)
        {
            // No prepared transaction of the name any more.
        }
    }

    private static string Quoted(string name) => "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";
}
