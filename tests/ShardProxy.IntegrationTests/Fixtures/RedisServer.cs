using System.Net.Sockets;
using System.Text;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>A real redis-server on a free port that keeps nothing on disk by itself: killed and started again, it is empty.</summary>
public sealed class RedisServer : IAsyncDisposable
{
    private const int SignalStop = 19;
    private const int SignalContinue = 18;

    /// <summary>How long tests stop it: short in every run, the 30 s of a bad day with SHARDPROXY_TEST_LONG=1.</summary>
    public static readonly TimeSpan PauseTime = TimeSpan.FromSeconds(Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 30 : 3);

    /// <summary>To find a port that nobody takes in the moment before the server does.</summary>
    private const int Attempts = 5;

    private readonly string _folder;
    private readonly string[] _arguments;
    private ChildProcess _process = null!;

    private RedisServer(int port, string folder, string[] arguments)
    {
        Port = port;
        _folder = folder;
        _arguments = arguments;
    }

    public int Port { get; private set; }

    public string Url => $"redis://127.0.0.1:{Port}/0";

    /// <param name="arguments">Further settings, such as --requirepass x.</param>
    public static async Task<RedisServer> StartAsync(params string[] arguments)
    {
        var server = new RedisServer(FreePort.Next(), TestFolder.New("redis"), arguments);
        for (var attempt = 1; !await server.TryStartAsync(); attempt++)
        {
            if (attempt == Attempts)
                throw new InvalidOperationException($"redis-server did not start: {server._process.Log()}");
            server.Port = FreePort.Next();
        }
        return server;
    }

    /// <param name="withData">With what it was last told to SAVE.</param>
    public async Task RestartAsync(bool withData = false)
    {
        if (!withData)
            File.Delete(Path.Combine(_folder, "dump.rdb"));
        (await TryStartAsync()).ShouldBeTrue(_process.Log());
    }

    /// <returns>False when somebody else has taken the port since it was chosen.</returns>
    private async Task<bool> TryStartAsync()
    {
        _process = await ChildProcess.StartAsync(
            "redis",
            Path.Combine(_folder, "redis.log"),
            "redis-server",
            ["--port", $"{Port}", "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _folder, .. _arguments]);
        await Until.TrueAsync(async () => _process.HasExited || await AnswersAsync(), $"redis-server answers on port {Port}");
        return !_process.HasExited;
    }

    // Another process' tests may have started one on the same port at the same moment, which answers just as well.
    private async Task<bool> AnswersAsync() =>
        await TryCommandAsync("INFO server") is { } reply
        && (reply.StartsWith("-NOAUTH", StringComparison.Ordinal) || reply.Contains($"process_id:{_process.Id}\r\n", StringComparison.Ordinal));

    public Task KillAsync() => _process.KillTreeAsync();

    /// <summary>SIGSTOP: connections stay open and nothing answers.</summary>
    public void Pause() => _process.Signal(SignalStop);

    public void Continue() => _process.Signal(SignalContinue);

    public Task EmptyAsync() => TryCommandAsync("FLUSHALL");

    /// <summary>The reply as it comes, null when there is none.</summary>
    public async Task<string?> TryCommandAsync(string command)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync("127.0.0.1", Port);
            await socket.SendAsync(Encoding.UTF8.GetBytes(command + "\r\n"));
            var buffer = new byte[64 * 1024];
            var count = await socket.ReceiveAsync(buffer);
            return Encoding.UTF8.GetString(buffer, 0, count);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.KillTreeAsync();
        _process.Dispose();
    }
}
