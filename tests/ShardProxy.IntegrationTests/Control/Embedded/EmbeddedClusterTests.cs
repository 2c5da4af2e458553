using System.Net;
using System.Net.Sockets;
using Npgsql;
using ShardProxy.Configuration;
using ShardProxy.Control.Embedded;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Control.Embedded;

public sealed class EmbeddedClusterTests
{
    private readonly string _folder = TestFolder.New("embedded");

    [Fact]
    public async Task Makes_servers_and_goes_on_with_their_data()
    {
        var port = FreePort.Next();
        await using (var cluster = await StartAsync(port, shards: 2))
        {
            var config = await ConfigurationLoader.LoadAsync(cluster.ConfigurationFile, default);
            config.Listen.Address.ShouldBe($"127.0.0.1:{port}");
            config.Databases[0].Shards.Count.ShouldBe(2);
            foreach (var shard in config.Databases[0].Shards)
                await ExecuteAsync(shard, $"CREATE TABLE t AS SELECT '{shard.Name}' AS name");
        }

        await using (var again = await StartAsync(port, shards: null))
        {
            var config = await ConfigurationLoader.LoadAsync(again.ConfigurationFile, default);
            foreach (var shard in config.Databases[0].Shards)
                (await ExecuteAsync(shard, "SELECT name FROM t")).ShouldBe(shard.Name);
        }
    }

    [Fact]
    public async Task Starts_after_a_crash_although_another_process_has_the_number_of_the_dead_server()
    {
        var port = FreePort.Next();
        await (await StartAsync(port, shards: 1)).DisposeAsync();
        // Process 1 is always there and is never our server.
        await File.WriteAllTextAsync(Path.Combine(_folder, "servers", "s0", "postmaster.pid"), "1\n/elsewhere\n0\n5432\n\n\n\nready\n");

        await using var again = await StartAsync(port, shards: 1);

        again.ShouldNotBeNull();
    }

    [Fact]
    public async Task Holds_its_folder_alone()
    {
        await using var cluster = await OpenAsync(FreePort.Next(), shards: 1);

        var exception = await Should.ThrowAsync<EmbeddedException>(() => OpenAsync(FreePort.Next(), shards: 1));

        exception.Message.ShouldContain("is already running");
    }

    [Fact]
    public async Task Says_that_the_port_is_in_use()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();

        var exception = await Should.ThrowAsync<EmbeddedException>(() => OpenAsync(((IPEndPoint)listener.LocalEndpoint).Port, shards: 1));

        exception.Message.ShouldContain("is in use by another program");
    }

    [Fact]
    public async Task Does_not_change_the_number_of_shards_but_begins_anew_when_told()
    {
        await (await OpenAsync(FreePort.Next(), shards: 2)).DisposeAsync();

        var exception = await Should.ThrowAsync<EmbeddedException>(() => OpenAsync(FreePort.Next(), shards: 3));
        exception.Message.ShouldContain("has 2 shards, not 3");

        var reset = new EmbeddedOptions(3, FreePort.Next(), _folder, Reset: true);
        await using var anew = await EmbeddedCluster.OpenAsync(reset, TimeProvider.System, default);
    }

    private Task<EmbeddedCluster> OpenAsync(int port, int? shards) =>
        EmbeddedCluster.OpenAsync(new EmbeddedOptions(shards, port, _folder, Reset: false), TimeProvider.System, default);

    private async Task<EmbeddedCluster> StartAsync(int port, int? shards)
    {
        var cluster = await OpenAsync(port, shards);
        try
        {
            await cluster.StartAsync(port, new SilentDisplay(), default);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    private static async Task<object?> ExecuteAsync(ShardConfig shard, string statement)
    {
        var target = shard.Primary;
        await using var connection = new NpgsqlConnection(
            $"Host={target.Host};Port={target.Port};Database={target.Database};Username={target.User};Password={target.Password};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        return await command.ExecuteScalarAsync();
    }

    private sealed class SilentDisplay : IStepDisplay
    {
        public Task RunAsync(string title, Func<Task> step) => step();
    }
}
