using System.Collections.Concurrent;
using System.Diagnostics;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>
/// Where the programs of a PostgreSQL major version are. The version of a run is SHARDPROXY_TEST_PG (15 by default);
/// versions that the machine does not have are installed once by tests/servers/install.
/// </summary>
public static class ServerBinaries
{
    private static readonly ConcurrentDictionary<int, Lazy<string>> Folders = new();

    public static int DefaultMajor { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("SHARDPROXY_TEST_PG"), out var major) ? major : 15;

    /// <summary>The folder with initdb and postgres.</summary>
    public static string Folder(int major) =>
        Folders.GetOrAdd(major, static key => new Lazy<string>(() => Install(key))).Value;

    private static string Install(int major)
    {
        var start = new ProcessStartInfo(Path.Combine(RepositoryRoot.Path, "tests", "servers", "install"), [major.ToString()])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("tests/servers/install did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"PostgreSQL {major} cannot be had: {errors.GetAwaiter().GetResult()}");
        return output.Trim();
    }
}
