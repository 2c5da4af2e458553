using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Sessions;

/// <summary>The slow-query log names verb, shard, user and shape, by every way that a statement can take, and no value.</summary>
public sealed class SlowQueryTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2);
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["users"] = "{ key: id }" },
            Sections: "log: { slow_query: 100ms }"));
        await RunAsync("CREATE TABLE users (id int PRIMARY KEY, name text)");
    }

    public Task DisposeAsync() => _cluster.DisposeAsync().AsTask();

    [Fact]
    public async Task Logs_the_shape_and_no_value()
    {
        const string Slow = "SELECT pg_sleep(0.2), 'geheim' FROM (VALUES (1)) v";

        await RunAsync(Slow);
        await LoggedAsync(1, "Slow select:");

        // The second time the template is cached, and the fast path runs it.
        await RunAsync(Slow);
        await LoggedAsync(2, "select pg_sleep ( ? ) , ? from ( values ( ? ) ) v");

        await using (var connection = await OpenAsync())
        {
            await using var command = new NpgsqlCommand("SELECT pg_sleep($1)", connection) { Parameters = { new() { Value = 0.2 } } };
            await command.PrepareAsync();
            await command.ExecuteNonQueryAsync();
            await command.ExecuteNonQueryAsync();
        }
        await LoggedAsync(2, "select pg_sleep ( $1 )");

        await RunAsync("DO $$ BEGIN PERFORM pg_sleep(0.2); END $$");
        await LoggedAsync(1, "Slow do:");

        _proxy.Log.ShouldNotContain("geheim");
        _proxy.Log.ShouldContain($"on shard s0 for user {PostgresServer.AppUser} in database {PostgresServer.Database}");
    }

    private Task LoggedAsync(int times, string text) =>
        Until.TrueAsync(() => _proxy.Log.Split(text).Length - 1 >= times, $"the log holds \"{text}\"");

    private async Task RunAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(_proxy.Endpoint.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }
}
