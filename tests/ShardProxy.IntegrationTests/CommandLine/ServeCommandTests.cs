using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.CommandLine;

/// <summary>The process as an operator sees it: exit codes, signals, reload.</summary>
public sealed class ServeCommandTests : IAsyncLifetime
{
    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2);

    public Task DisposeAsync() => _cluster.DisposeAsync().AsTask();

    [Fact]
    public async Task A_first_signal_lets_an_open_transaction_end()
    {
        var proxy = await _cluster.StartProxyAsync();
        await using var connection = await OpenAsync(proxy.Endpoint);
        await using var transaction = await connection.BeginTransactionAsync();
        await ExecuteAsync(connection, "SELECT 1");

        proxy.Signal(ChildProcess.SignalTerm);
        await LoggedAsync(proxy, "Draining");
        await Should.ThrowAsync<NpgsqlException>(() => OpenAsync(proxy.Endpoint));
        (await ExecuteAsync(connection, "SELECT 2")).ShouldBe(2);
        await transaction.CommitAsync();

        await Until.TrueAsync(() => proxy.HasExited, "the proxy has ended");
        proxy.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        var proxy = await _cluster.StartProxyAsync();
        await using var connection = await OpenAsync(proxy.Endpoint);
        await using var transaction = await connection.BeginTransactionAsync();
        await ExecuteAsync(connection, "SELECT 1");

        proxy.Signal(ChildProcess.SignalTerm);
        await LoggedAsync(proxy, "Draining");
        proxy.Signal(ChildProcess.SignalTerm);

        await Until.TrueAsync(() => proxy.HasExited, "the proxy has ended");
        proxy.ExitCode.ShouldBe(0);
        await Should.ThrowAsync<NpgsqlException>(() => ExecuteAsync(connection, "SELECT 1"));
    }

    [Fact]
    public async Task Sighup_takes_over_users_and_tells_what_waits()
    {
        var proxy = await _cluster.StartProxyAsync();
        var text = await File.ReadAllTextAsync(proxy.ConfigFile);
        var visitor = $"  - {{ name: visitor, password: hello, server_user: {PostgresServer.AppUser}, server_password: {PostgresServer.Password} }}";
        var changed = text
            .Replace("users:\n", $"users:\n{visitor}\n", StringComparison.Ordinal)
            .Replace("buckets: 1024", "buckets: 2048", StringComparison.Ordinal);
        changed.ShouldContain("visitor");

        await File.WriteAllTextAsync(proxy.ConfigFile, changed);
        proxy.Signal(ChildProcess.SignalHup);

        await LoggedAsync(proxy, "now in force: users.");
        await LoggedAsync(proxy, "wait for a restart: databases.");
        await using var connection = await OpenAsync(proxy.Endpoint with { User = "visitor", Password = "hello" });
        (await ExecuteAsync(connection, "SELECT 1")).ShouldBe(1);
    }

    [Fact]
    public async Task A_wrong_file_is_told_line_by_line()
    {
        var file = Path.Combine(TestFolder.New("serve"), "shardproxy.yaml");
        await File.WriteAllTextAsync(file, "listen: { adress: x }\ndatabases: 5\n");

        using var process = await ChildProcess.StartAsync("shardproxy", file + ".log", "dotnet", ["exec", ProxyProcess.Assembly, "serve", "--config", file]);
        await process.WaitForExitAsync();

        process.ExitCode.ShouldBe(1);
        process.Log().ShouldContain($"{file}:1:11: listen.adress is not known here (did you mean address?).");
        process.Log().ShouldContain($"{file}:2:12: databases must be a mapping of keys to values.");
    }

    private static Task LoggedAsync(ProxyProcess proxy, string text) =>
        Until.TrueAsync(() => proxy.Log.Contains(text, StringComparison.Ordinal), $"the log holds \"{text}\"");

    private static async Task<NpgsqlConnection> OpenAsync(Endpoint endpoint)
    {
        var connection = new NpgsqlConnection(endpoint.ConnectionString);
        try
        {
            await connection.OpenAsync();
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
