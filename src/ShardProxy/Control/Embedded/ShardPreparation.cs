using Npgsql;
using ShardProxy.Catalog;

namespace ShardProxy.Control.Embedded;

/// <summary>Waits for a fresh server and gives it the role and the database that the proxy uses. Each step may have been done by an earlier run.</summary>
internal static class ShardPreparation
{
    public const string AppUser = "app";
    public const string Database = "shop";

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    public static async Task PrepareAsync(EmbeddedServer server, ClusterState state, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var connection = await ConnectAsync(server, state.AdminPassword, time, cancellationToken);
        // CREATEROLE, so that roles can be made through the proxy; no superuser: the application needs none.
        if (!await ExistsAsync(connection, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", AppUser, cancellationToken))
            await ExecuteAsync(connection, $"CREATE ROLE {AppUser} LOGIN CREATEROLE PASSWORD '{state.AppPassword}'", cancellationToken);
        if (!await ExistsAsync(connection, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", Database, cancellationToken))
            await ExecuteAsync(connection, $"CREATE DATABASE {Database} OWNER {AppUser}", cancellationToken);
        // The stamp is a setting of the database. Before PostgreSQL 15 only a superuser can set one that no module defines.
        if (connection.PostgreSqlVersion.Major >= 15)
            await ExecuteAsync(connection, $"GRANT SET ON PARAMETER {Stamp.Setting} TO {AppUser}", cancellationToken);
    }

    private static async Task<NpgsqlConnection> ConnectAsync(EmbeddedServer server, string password, TimeProvider time, CancellationToken cancellationToken)
    {
        var target = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = server.Port,
            Database = "postgres",
            Username = EmbeddedServer.AdminUser,
            Password = password,
            Pooling = false,
            SslMode = SslMode.Disable,
        };
        var start = time.GetTimestamp();
        while (true)
        {
            var connection = new NpgsqlConnection(target.ConnectionString);
            try
            {
                await connection.OpenAsync(cancellationToken);
                return connection;
            }
            // Not listening yet, or "the database system is starting up".
            catch (NpgsqlException exception) when (exception is not PostgresException { SqlState: not PostgresErrorCodes.CannotConnectNow })
            {
                await connection.DisposeAsync();
                if (server.HasExited)
                    throw new EmbeddedException($"The server of shard {server.Name} does not start: {server.LastWords()}", exception);
                if (time.GetElapsedTime(start) > StartPatience)
                    throw new EmbeddedException($"The server of shard {server.Name} does not answer on port {server.Port}.", exception);
            }
            catch (PostgresException exception)
            {
                await connection.DisposeAsync();
                throw new EmbeddedException($"The server of shard {server.Name} lets nobody in: {exception.MessageText}. --reset makes the cluster anew.", exception);
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, string query, string name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(query, connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = name } } };
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
