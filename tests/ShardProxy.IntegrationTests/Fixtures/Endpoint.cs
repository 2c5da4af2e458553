using Npgsql;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>Where a client connects: a PostgreSQL server or the proxy; the suites do not know which.</summary>
public sealed record Endpoint(string Host, int Port, string Database, string User, string Password)
{
    /// <summary>For Npgsql; without its own pool, so that a test sees the connections that it opens.</summary>
    public string ConnectionString => new NpgsqlConnectionStringBuilder
    {
        Host = Host,
        Port = Port,
        Username = User,
        Password = Password,
        Database = Database,
        Pooling = false,
        IncludeErrorDetail = true,
        Timeout = 30,
        CommandTimeout = 60,
    }.ConnectionString;

    /// <summary>The variables that libpq reads.</summary>
    public IReadOnlyDictionary<string, string> LibpqEnvironment => new Dictionary<string, string>
    {
        ["PGHOST"] = Host,
        ["PGPORT"] = Port.ToString(),
        ["PGDATABASE"] = Database,
        ["PGUSER"] = User,
        ["PGPASSWORD"] = Password,
        ["PGSSLMODE"] = "disable",
    };

    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        return connection;
    }
}
