using System.Net.Sockets;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>The built product as users run it: <c>shardproxy serve --config …</c> in a process of its own.</summary>
public sealed class ProxyProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private ProxyProcess(ChildProcess process, string configFile, int port)
    {
        _process = process;
        ConfigFile = configFile;
        Endpoint = new Endpoint("127.0.0.1", port, PostgresServer.Database, PostgresServer.AppUser, PostgresServer.Password);
    }

    public Endpoint Endpoint { get; }

    public string ConfigFile { get; }

    public string Log => _process.Log();

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    public int ProcessId => _process.Id;

    public TimeSpan CpuTime() => _process.CpuTime();

    public long ResidentBytes() => _process.ResidentBytes();

    /// <summary>
    /// The product's assembly: SHARDPROXY_TEST_ASSEMBLY (./test gives the one with compiled code, which starts in half of the
    /// CPU time), otherwise what the build copies beside the tests.
    /// </summary>
    public static string Assembly { get; } =
        Environment.GetEnvironmentVariable("SHARDPROXY_TEST_ASSEMBLY") ?? Path.Combine(AppContext.BaseDirectory, "shardproxy.dll");

    /// <summary>Starts the product on the configuration file; returns when it accepts connections.</summary>
    public static async Task<ProxyProcess> StartAsync(string configFile, int port, IReadOnlyDictionary<string, string>? environment = null)
    {
        var process = await ChildProcess.StartAsync(
            "shardproxy", configFile + ".log", "dotnet", ["exec", Assembly, "serve", "--config", configFile], environment: environment);
        var proxy = new ProxyProcess(process, configFile, port);
        try
        {
            await Until.TrueAsync(proxy.AcceptsAsync, $"the proxy accepts connections on port {port}");
        }
        catch (TimeoutException exception)
        {
            var log = proxy.Log;
            await proxy.DisposeAsync();
            throw new InvalidOperationException($"{exception.Message}\n{log}", exception);
        }
        return proxy;
    }

    public void Signal(int signal) => _process.Signal(signal);

    /// <summary>SIGTERM, then waits for the end; the exit code.</summary>
    public async Task<int> StopAsync(TimeSpan? deadline = null)
    {
        _process.Signal(ChildProcess.SignalTerm);
        await _process.WaitForExitAsync(deadline);
        return _process.ExitCode;
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => _process.KillTreeAsync();

    public async ValueTask DisposeAsync()
    {
        await _process.KillTreeAsync();
        _process.Dispose();
    }

    private async Task<bool> AcceptsAsync()
    {
        if (_process.HasExited)
            throw new InvalidOperationException($"shardproxy ended with exit code {_process.ExitCode}:\n{_process.Log()}");
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(Endpoint.Host, Endpoint.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
