using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Control;

/// <summary>Tables declared with SQL through a running proxy.</summary>
public sealed class ProxyDistributionTests
{
    [Fact]
    public async Task An_application_declares_its_tables_and_uses_them()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var proxy = await cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE users (id int PRIMARY KEY, name text)");
        await client.MustAsync("CREATE TABLE orders (user_id int REFERENCES users, id bigserial, PRIMARY KEY (user_id, id))");
        await client.MustAsync("CREATE TABLE countries (code text PRIMARY KEY)");

        await client.MustAsync("SELECT create_distributed_table('users', 'id')");
        await client.MustAsync("SELECT create_distributed_table('orders', 'user_id', colocate_with => 'users')");
        await client.MustAsync("SELECT create_reference_table('countries')");

        for (var user = 1; user <= 20; user++)
        {
            await client.MustAsync($"INSERT INTO users VALUES ({user}, 'u{user}')");
            await client.MustAsync($"INSERT INTO orders (user_id) VALUES ({user})");
        }
        (await client.ScalarAsync("SELECT u.name FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = 7")).ShouldBe("u7");
        var counts = await Task.WhenAll(cluster.Shards.Select(static shard => shard.ScalarAsync<long>("SELECT count(*) FROM orders")));
        counts.Sum().ShouldBe(20);
        counts.ShouldAllBe(static count => count > 0);
    }

    [Fact]
    public async Task Renames_and_drops_are_followed_before_the_client_hears_of_them()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var proxy = await cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE t (id int, name text)");
        await client.MustAsync("SELECT create_distributed_table('t', 'id')");
        for (var id = 1; id <= 20; id++)
            await client.MustAsync($"INSERT INTO t VALUES ({id}, 'n{id}')");

        await client.MustAsync("ALTER TABLE t RENAME TO renamed");
        await client.MustAsync("ALTER TABLE renamed RENAME COLUMN id TO key");
        for (var id = 1; id <= 20; id++)
            (await client.ScalarAsync($"SELECT name FROM renamed WHERE key = {id}")).ShouldBe($"n{id}");
        await client.MustAsync("DROP TABLE renamed");
        await client.MustAsync("CREATE TABLE renamed (id int)");
        await client.MustAsync("INSERT INTO renamed SELECT generate_series(1, 10)");

        (await client.ScalarAsync("SELECT count(*) FROM renamed")).ShouldBe("10", "it is an ordinary table of the home shard now");
    }

    [Fact]
    public async Task Declaring_under_load_loses_and_misplaces_nothing()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var proxy = await cluster.StartProxyAsync(new ProxyOptions());
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE t (id int PRIMARY KEY)");
        using var stop = new CancellationTokenSource();
        var acknowledged = 0;
        // Before the table is distributed each transaction leaves it empty, which a declaration needs; afterwards rows stay.
        var declared = false;
        var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
        {
            await using var connection = await WireClient.ConnectAsync(proxy.Endpoint);
            for (var round = 0; !stop.IsCancellationRequested; round++)
            {
                var id = (round * 8) + writer;
                string[] statements = Volatile.Read(ref declared)
                    ? [$"INSERT INTO t VALUES ({id})"]
                    : ["BEGIN", $"INSERT INTO t VALUES ({id})", $"DELETE FROM t WHERE id = {id}", "COMMIT"];
                var succeeded = true;
                foreach (var statement in statements)
                    succeeded &= (await connection.QueryAsync(statement)).All(static message => message.Type != 'E');
                if (succeeded)
                    Interlocked.Increment(ref acknowledged);
            }
        })).ToArray();

        await Until.TrueAsync(() => Volatile.Read(ref acknowledged) > 50, "the writers have begun");
        await client.MustAsync("SELECT create_distributed_table('t', 'id')");
        Volatile.Write(ref declared, true);
        var before = Volatile.Read(ref acknowledged);
        await Until.TrueAsync(() => Volatile.Read(ref acknowledged) > before + 100, "the writers go on");
        await stop.CancelAsync();
        await Task.WhenAll(writers);

        // Whatever row is left is found where its key leads.
        foreach (var shard in cluster.Shards)
        {
            foreach (var id in await shard.ScalarAsync<int[]>("SELECT coalesce(array_agg(id), '{}') FROM t"))
                (await client.ScalarAsync($"SELECT count(*) FROM t WHERE id = {id}")).ShouldBe("1");
        }
        for (var id = -50; id < 0; id++)
            await client.MustAsync($"INSERT INTO t VALUES ({id})");
        (await cluster.Shards[1].ScalarAsync<long>("SELECT count(*) FROM t WHERE id < 0")).ShouldBeInRange(1, 49);
    }
}
