using System.Diagnostics;
using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Listening;

/// <summary>The admin database as psql, Npgsql and the bare protocol see it.</summary>
public sealed class AdminDatabaseTests : IAsyncLifetime
{
    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2);
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["t"] = "{ key: k }" },
            Users: $$"""
                users:
                  - { name: {{PostgresServer.AppUser}}, password: "{{PostgresServer.Password.Replace(@"\", @"\\")}}" }
                  - { name: ops, password: secret, admin: true }
                """));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE t (k int PRIMARY KEY, v text)");
        await client.MustAsync("CREATE TABLE days (d date PRIMARY KEY)");
        await client.MustAsync("SELECT create_distributed_table('days', 'd', strategy => 'range', ranges => '[,2024-01-01) on s0, [2024-01-01,) on s1')");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    private Endpoint Admin => _proxy.Endpoint with { Database = "shardproxy", User = "ops", Password = "secret" };

    [Fact]
    public async Task Only_admins_are_let_in()
    {
        var refusal = await Should.ThrowAsync<Exception>(() => WireClient.ConnectAsync(_proxy.Endpoint with { Database = "shardproxy" }));

        refusal.Message.ShouldContain("28000");
    }

    [Theory]
    [InlineData("SHOW SHARDS", 2)]
    [InlineData("SHOW TABLES", 2)]
    [InlineData("show buckets;", 1026)]
    [InlineData("SHOW DIRECTORY", 1)]
    [InlineData("SHOW PROXIES", 0)]
    [InlineData("SHOW HISTORY", -1)]
    [InlineData("SHOW DDL", -1)]
    [InlineData("SHOW POOLS", -1)]
    [InlineData("SHOW CLIENTS", 1)]
    [InlineData("SHOW SERVERS", -1)]
    [InlineData("SHOW STATS", 1)]
    [InlineData("SHOW CONFIG", -1)]
    [InlineData("SHOW VERSION", 1)]
    public async Task Everything_is_shown_in_both_protocols(string command, int rows)
    {
        await using var application = await WireClient.ConnectAsync(_proxy.Endpoint);
        await application.MustAsync("SELECT 1");
        await using var client = await WireClient.ConnectAsync(Admin);

        var simple = await client.MustAsync(command);
        var count = simple.Count(static message => message.Type == 'D');
        if (rows >= 0)
            count.ShouldBe(rows);
        else
            count.ShouldBeGreaterThan(0);
        await using var source = NpgsqlDataSource.Create(Npgsql("ops", "secret"));
        await using var query = source.CreateCommand(command);
        await using var reader = await query.ExecuteReaderAsync();
        var read = 0;
        while (await reader.ReadAsync())
        {
            read++;
            for (var column = 0; column < reader.FieldCount; column++)
                (reader.GetValue(column) is DBNull or string or long or bool or DateTime).ShouldBeTrue(reader.GetDataTypeName(column));
        }
        read.ShouldBe(rows >= 0 ? rows : read);
    }

    [Fact]
    public async Task Values_have_their_types()
    {
        await using var source = NpgsqlDataSource.Create(Npgsql("ops", "secret"));
        await using var query = source.CreateCommand("SHOW TABLES");
        await using var reader = await query.ExecuteReaderAsync();

        (await reader.ReadAsync()).ShouldBeTrue();
        (reader.GetString(2), reader.GetString(4), reader.GetString(5), reader.GetBoolean(7)).ShouldBe(("days", "d", "range", true));
        (await reader.ReadAsync()).ShouldBeTrue();
        (reader.GetString(2), reader.GetString(5)).ShouldBe(("t", "hash"));
        await reader.DisposeAsync();
        await using var buckets = source.CreateCommand("SHOW BUCKETS");
        await using var bucket = await buckets.ExecuteReaderAsync();
        while (await bucket.ReadAsync() && bucket.GetInt64(1) < 1025)
        {
        }
        (bucket.GetString(2), bucket.GetString(5)).ShouldBe(("s1", "[2024-01-01,)"));
        await bucket.DisposeAsync();
        await using var stats = source.CreateCommand("SHOW STATS");
        await using var stat = await stats.ExecuteReaderAsync();
        (await stat.ReadAsync()).ShouldBeTrue();
        stat.GetFieldValue<DateTime>(1).ShouldBeGreaterThan(DateTime.UtcNow.AddMinutes(-10));
    }

    [Fact]
    public async Task Psql_shows_a_table()
    {
        var start = new ProcessStartInfo("psql") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])["-X", "-h", Admin.Host, "-p", $"{Admin.Port}", "-U", "ops", "-d", "shardproxy", "-A", "-t", "-c", "SHOW SHARDS", "-c", "SHOW VERSION"])
            start.ArgumentList.Add(argument);
        start.Environment["PGPASSWORD"] = "secret";
        using var psql = Process.Start(start)!;
        var output = await psql.StandardOutput.ReadToEndAsync();
        await psql.WaitForExitAsync();

        psql.ExitCode.ShouldBe(0, await psql.StandardError.ReadToEndAsync());
        output.ShouldContain("shop|s0|t|127.0.0.1|");
        output.ShouldContain("ShardProxy ");
    }

    [Fact]
    public async Task An_unknown_command_says_what_there_is_and_the_connection_goes_on()
    {
        await using var client = await WireClient.ConnectAsync(Admin);

        (await client.QueryAsync("SHOW SECRETS")).First(static message => message.Type == 'E').ToString().ShouldContain("SHARDS, TABLES");
        (await client.QueryAsync("DROP TABLE t")).First(static message => message.Type == 'E').ToString().ShouldContain("PAUSE");
        (await client.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task Definitions_are_shown_shard_by_shard()
    {
        await using var holder = new NpgsqlConnection(_cluster.Shards[1].ConnectionString);
        await holder.OpenAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var write = new NpgsqlCommand("INSERT INTO t VALUES (-1, 'held')", holder))
            await write.ExecuteNonQueryAsync();
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await using var admin = await WireClient.ConnectAsync(Admin);
        async Task<string[]> LastAsync() =>
            [.. (await admin.MustAsync("SHOW DDL")).Last(static message => message.Type == 'D').TextValues.Select(static value => value ?? "")];

        var made = client.MustAsync("CREATE INDEX CONCURRENTLY by_v ON t (v)");
        await Until.TrueAsync(async () => (await LastAsync())[2] == "create index", "the statement is shown");
        await Until.TrueAsync(async () => (await LastAsync())[8] == "s1", "it waits on the shard where somebody writes");
        (await LastAsync())[^1].ShouldBe("s0");
        await transaction.RollbackAsync();
        await made;

        var row = await LastAsync();
        (row[0], row[1], row[3], row[5], row[6], row[7], row[8], row[9]).ShouldBe(
            ("shop", client.ProcessId.ToString(System.Globalization.CultureInfo.InvariantCulture), "public.by_v", "done", "f", "s0, s1", "", ""));
        await client.QueryAsync("ALTER TABLE t ADD COLUMN v text DEFAULT 'secret'");
        row = await LastAsync();
        (row[2], row[3], row[5], row[6]).ShouldBe(("alter table", "public.t", "failed: 42701", "t"));
        row.ShouldNotContain(static value => value.Contains("secret"));
        await client.MustAsync("DROP INDEX CONCURRENTLY by_v");
    }

    [Fact]
    public async Task Kill_ends_one_client()
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await using var other = await WireClient.ConnectAsync(_proxy.Endpoint);
        await using var admin = await WireClient.ConnectAsync(Admin);

        await admin.MustAsync($"KILL {client.ProcessId}");

        (await client.ReceiveUntilClosedAsync()).ShouldContain(static message => message.Type == 'E');
        (await other.ScalarAsync("SELECT 1")).ShouldBe("1");
        (await admin.QueryAsync("KILL 1")).ShouldContain(static message => message.Type == 'E');
    }

    [Fact]
    public async Task Pause_lets_transactions_end_and_holds_new_statements_until_resume()
    {
        await using var busy = await WireClient.ConnectAsync(_proxy.Endpoint);
        await busy.MustAsync("BEGIN");
        await busy.MustAsync("INSERT INTO t VALUES (1, 'a')");
        await using var admin = await WireClient.ConnectAsync(Admin);
        var paused = admin.MustAsync("PAUSE shop");
        await using var watcher = await WireClient.ConnectAsync(Admin);
        await Until.TrueAsync(async () => (await watcher.MustAsync("SHOW POOLS")).Any(static message => message.Type == 'D' && message.TextValues[9] == "t"), "the pools are paused");
        paused.IsCompleted.ShouldBeFalse("a transaction is open");
        await busy.MustAsync("UPDATE t SET v = 'b' WHERE k = 1");
        await busy.MustAsync("COMMIT");
        await paused;

        var held = busy.QueryAsync("SELECT v FROM t WHERE k = 1");
        await Until.TrueAsync(
            async () => (await watcher.MustAsync("SHOW POOLS")).Any(static message => message.Type == 'D' && message.TextValues[8] == "1"), "the statement waits");
        held.IsCompleted.ShouldBeFalse();
        await watcher.MustAsync("RESUME");

        (await held).ShouldContain(static message => message.Type == 'D');
    }

    [Fact]
    public async Task Reload_reads_the_file_again()
    {
        await using var admin = await WireClient.ConnectAsync(Admin);
        var text = await File.ReadAllTextAsync(_proxy.ConfigFile);
        await File.WriteAllTextAsync(_proxy.ConfigFile, text.Replace("size: 20", "size: 7", StringComparison.Ordinal));

        await admin.MustAsync("RELOAD");

        await Until.TrueAsync(
            async () => (await admin.MustAsync("SHOW CONFIG")).Any(static message => message.Type == 'D' && message.TextValues[0] == "databases.shop.pool.size" && message.TextValues[1] == "7"),
            "the pool's size is the new one");
    }

    private string Npgsql(string user, string password) => new NpgsqlConnectionStringBuilder
    {
        Host = Admin.Host,
        Port = Admin.Port,
        Username = user,
        Password = password,
        Database = "shardproxy",
        Pooling = false,
    }.ConnectionString;
}
