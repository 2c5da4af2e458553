using System.Globalization;
using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;
using ShardProxy.Tests.Transport.Tls;

namespace ShardProxy.IntegrationTests.Transport;

/// <summary>Sessions change their loop between statements, and nobody notices.</summary>
public sealed class PlacementTests : IAsyncLifetime
{
    private static readonly Dictionary<string, string> Tables = new() { ["users"] = "{ key: id }" };

    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2);

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData("epoll", false)]
    [InlineData("epoll", true)]
    [InlineData("io_uring", false)]
    [InlineData("io_uring", true)]
    [InlineData("sockets", false)]
    public async Task Sessions_that_move_after_each_statement_lose_nothing(string engine, bool tls)
    {
        const int Clients = 24;
        const int Rounds = 60;
        using var certificates = new TestCertificates();
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables,
            PoolSize: 4,
            Engine: engine,
            Placement: "restless",
            Tls: tls ? $"{{ mode: require, certificate: \"{certificates.ServerCertificatePath}\", key: \"{certificates.ServerKeyPath}\" }}" : "{ mode: disable }"));
        var source = new NpgsqlConnectionStringBuilder
        {
            Host = proxy.Endpoint.Host,
            Port = proxy.Endpoint.Port,
            Username = PostgresServer.AppUser,
            Password = PostgresServer.Password,
            Database = PostgresServer.Database,
            SslMode = tls ? SslMode.Require : SslMode.Disable,
            Pooling = false,
        }.ConnectionString;
        await using (var setup = new NpgsqlConnection(source))
        {
            await setup.OpenAsync();
            await ExecuteAsync(setup, "CREATE TABLE users (id int8 PRIMARY KEY, visits int4 NOT NULL)");
            for (var id = 0; id < Clients; id++)
                await ExecuteAsync(setup, $"INSERT INTO users VALUES ({id}, 0)");
        }
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(id => Task.Run(async () =>
        {
            await using var client = new NpgsqlConnection(source);
            await client.OpenAsync();
            await ExecuteAsync(client, $"SET application_name = 'client {id}'");
            for (var round = 0; round < Rounds; round++)
            {
                await ExecuteAsync(client, $"UPDATE users SET visits = visits + 1 WHERE id = {id}");
                await using var read = new NpgsqlCommand("SELECT visits, current_setting('application_name') FROM users WHERE id = $1", client) { Parameters = { new() { Value = (long)id } } };
                await using var rows = await read.ExecuteReaderAsync();
                (await rows.ReadAsync()).ShouldBeTrue();
                (rows.GetInt32(0), rows.GetString(1)).ShouldBe((round + 1, $"client {id}"));
            }
        })));
        foreach (var shard in _cluster.Shards)
            (await shard.ScalarAsync<long>($"SELECT count(*) FROM users WHERE visits <> {Rounds}")).ShouldBe(0);
        (await proxy.StopAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Light_work_is_gathered_on_the_first_loop()
    {
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables, Engine: "epoll", Placement: "auto", Loops: 2));
        var clients = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => WireClient.ConnectAsync(proxy.Endpoint)));
        var before = Turns(proxy, 1);
        // A loop without sessions sleeps: its thread is not even woken while the others' statements run.
        await Until.TrueAsync(
            async () =>
            {
                before = Turns(proxy, 1);
                for (var round = 0; round < 20; round++)
                {
                    foreach (var client in clients)
                        await client.MustAsync("SELECT 1");
                }
                return Turns(proxy, 1) - before < 20;
            },
            "the second loop has no session left");
        foreach (var client in clients)
            await client.DisposeAsync();
    }

    // How often the thread of a loop went to sleep by itself.
    private static long Turns(ProxyProcess proxy, int loop)
    {
        foreach (var task in System.IO.Directory.EnumerateDirectories($"/proc/{proxy.ProcessId}/task"))
        {
            if (File.ReadAllText($"{task}/comm").Trim() != $"loop-{loop}")
                continue;
            var line = File.ReadLines($"{task}/status").Single(static line => line.StartsWith("voluntary_ctxt_switches", StringComparison.Ordinal));
            return long.Parse(line.Split(':')[1], CultureInfo.InvariantCulture);
        }
        throw new InvalidOperationException($"The proxy has no thread loop-{loop}.");
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
