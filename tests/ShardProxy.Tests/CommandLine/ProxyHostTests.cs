using System.Net;
using System.Text;
using System.Threading.Channels;
using ShardProxy.CommandLine;
using ShardProxy.Configuration;
using ShardProxy.Diagnostics;
using ShardProxy.Listening;
using ShardProxy.Tests.Configuration;

namespace ShardProxy.Tests.CommandLine;

public sealed class ProxyHostTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _file = Path.GetTempFileName();
    private readonly WatchedStream _output = new();
    private readonly ProcessSignals _signals = new();
    private readonly RecordingServer _server = new();
    private LoggingSetup _logging = null!;

    public async Task InitializeAsync()
    {
        await WriteAsync(ConfigurationText.Valid);
        _logging = new LoggingSetup(Load(ConfigurationText.Valid).Log, _output, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        await _logging.DisposeAsync();
        await _server.DisposeAsync();
    }

    public void Dispose()
    {
        _signals.Dispose();
        _output.Dispose();
        File.Delete(_file);
    }

    [Fact]
    public async Task Drains_at_the_first_signal()
    {
        var run = RunAsync();
        await _server.WaitForAsync("start");
        _signals.RequestStop();
        await _server.WaitForAsync("drain");
        _server.EndDrain();

        await run.WaitAsync(Patience);

        (await LinesAsync()).ShouldContain("Stopped.");
    }

    [Fact]
    public async Task Stops_at_the_second_signal()
    {
        var run = RunAsync();
        await _server.WaitForAsync("start");
        _signals.RequestStop();
        await _server.WaitForAsync("drain");
        _signals.RequestStop();

        await run.WaitAsync(Patience);

        (await LinesAsync()).ShouldContain("what is still open is cut off");
    }

    [Fact]
    public async Task Applies_what_can_change_and_says_what_cannot()
    {
        var run = RunAsync();
        await _server.WaitForAsync("start");
        await WriteAsync(ConfigurationText.Valid.Replace("size: 20", "size: 30", StringComparison.Ordinal).Replace("6432", "6433", StringComparison.Ordinal));
        _signals.RequestReload();
        await _server.WaitForAsync("apply");
        await StopAsync(run);

        _server.Applied!.Databases[0].Pool.Size.ShouldBe(30);
        _server.Applied.Listen.Address.ShouldBe("127.0.0.1:6432");
        var lines = await LinesAsync();
        lines.ShouldContain("now in force: databases.shop.pool.size.");
        lines.ShouldContain("these changes wait for a restart: listen.address.");
    }

    [Fact]
    public async Task Keeps_going_when_the_new_file_is_wrong()
    {
        var run = RunAsync();
        await _server.WaitForAsync("start");
        await WriteAsync("listen: 5");
        _signals.RequestReload();
        await _output.WaitForAsync("The configuration stays as it was");
        await StopAsync(run);

        _server.Applied.ShouldBeNull();
    }

    private Task RunAsync() => new ProxyHost(_server, Load(ConfigurationText.Valid), _file, _logging, _signals).RunAsync();

    private async Task StopAsync(Task run)
    {
        _server.EndDrain();
        _signals.RequestStop();
        await run.WaitAsync(Patience);
    }

    private async Task<string> LinesAsync()
    {
        await _logging.DisposeAsync();
        return Encoding.UTF8.GetString(_output.ToArray());
    }

    private ProxyConfig Load(string text) => ConfigurationLoader.Parse(Fill(text), _file, static _ => null);

    private Task WriteAsync(string text) => File.WriteAllTextAsync(_file, Fill(text));

    private static string Fill(string text) => text.Replace("${APP_PASSWORD}", "x", StringComparison.Ordinal);

    /// <summary>Lets a test wait for a line.</summary>
    private sealed class WatchedStream : MemoryStream
    {
        private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

        public async Task WaitForAsync(string text)
        {
            using var limit = new CancellationTokenSource(Patience);
            while (!(await _lines.Reader.ReadAsync(limit.Token)).Contains(text, StringComparison.Ordinal))
            {
            }
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _lines.Writer.TryWrite(Encoding.UTF8.GetString(buffer.Span));
            return base.WriteAsync(buffer, cancellationToken);
        }
    }

    private sealed class RecordingServer : IProxyServer
    {
        public Action? RequestReload { get; set; }

        private readonly Channel<string> _events = Channel.CreateUnbounded<string>();
        private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public EndPoint EndPoint { get; } = new IPEndPoint(IPAddress.Loopback, 6432);

        public ProxyConfig? Applied { get; private set; }

        public void EndDrain() => _drained.TrySetResult();

        public async Task WaitForAsync(string name) =>
            (await _events.Reader.ReadAsync().AsTask().WaitAsync(Patience)).ShouldBe(name);

        public Task StartAsync(CancellationToken cancellationToken) => Record("start");

        public Task ApplyAsync(ProxyConfig config)
        {
            Applied = config;
            return Record("apply");
        }

        public async Task DrainAsync(CancellationToken cancellationToken)
        {
            await Record("drain");
            await _drained.Task.WaitAsync(cancellationToken);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private Task Record(string name)
        {
            _events.Writer.TryWrite(name);
            return Task.CompletedTask;
        }
    }
}
