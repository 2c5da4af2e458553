using System.Text.RegularExpressions;
using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.CommandLine;

/// <summary>What ./run starts once everything is built: servers, proxy and sample in one process's care.</summary>
public sealed partial class EmbeddedCommandTests
{
    private const int SignalKill = 9;

    private readonly string _folder = TestFolder.New("run");
    private int _runs;

    [Fact]
    public async Task Serves_the_sample_shop_and_goes_on_with_it_after_a_kill()
    {
        using (var first = await StartAsync())
        {
            var url = await ReadyAsync(first);
            (await QueryAsync(url, "SELECT count(*) FROM orders WHERE user_id = 42")).ShouldBeOfType<long>().ShouldBeGreaterThan(0);
            (await QueryAsync(url, "SELECT count(*) FROM products")).ShouldBe(40L);
            (await QueryAsync(url, "UPDATE users SET city = 'Here' WHERE id = 42 RETURNING city")).ShouldBe("Here");
            first.Signal(SignalKill);
            await first.WaitForExitAsync();
        }
        // The kernel interrupts the servers when their parent has died.
        await Until.TrueAsync(() => ServersOf(_folder).Count == 0, "no server is left");

        using var second = await StartAsync();
        (await QueryAsync(await ReadyAsync(second), "SELECT city FROM users WHERE id = 42")).ShouldBe("Here");
        second.Signal(ChildProcess.SignalTerm);
        await second.WaitForExitAsync();
        second.ExitCode.ShouldBe(0);
        ServersOf(_folder).ShouldBeEmpty();
    }

    private Task<ChildProcess> StartAsync() => ChildProcess.StartAsync(
        "shardproxy embedded",
        Path.Combine(_folder, $"run-{++_runs}.log"),
        "dotnet",
        ["exec", ProxyProcess.Assembly, "embedded", "--port", $"{FreePort.Next()}", "--data", _folder]);

    private static async Task<Uri> ReadyAsync(ChildProcess process)
    {
        await Until.TrueAsync(
            () => File.Exists(process.LogFile)
                && (ReadyLine().IsMatch(process.Log()) || (process.HasExited ? throw new InvalidOperationException(process.Log()) : false)),
            "the ready line is printed",
            TimeSpan.FromMinutes(2));
        return new Uri(ReadyLine().Match(process.Log()).Groups[1].Value);
    }

    private static async Task<object?> QueryAsync(Uri url, string statement)
    {
        var user = url.UserInfo.Split(':');
        await using var connection = new NpgsqlConnection(
            $"Host={url.Host};Port={url.Port};Database={url.AbsolutePath[1..]};Username={user[0]};Password={user[1]};Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(statement, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Processes whose command line names a folder below this one.</summary>
    private static List<string> ServersOf(string folder)
    {
        var servers = new List<string>();
        foreach (var process in System.IO.Directory.EnumerateDirectories("/proc").Where(static path => int.TryParse(Path.GetFileName(path), out _)))
        {
            try
            {
                var line = File.ReadAllText(Path.Combine(process, "cmdline"));
                if (line.Contains("postgres\0-D\0" + folder, StringComparison.Ordinal))
                    servers.Add(line);
            }
            catch (IOException)
            {
                // The process has ended.
            }
        }
        return servers;
    }

    [GeneratedRegex("^ready: (postgres://.*)$", RegexOptions.Multiline)]
    private static partial Regex ReadyLine();
}
