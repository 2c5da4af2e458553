using System.Net;
using System.Net.Sockets;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>
/// Stands between a proxy and a server and passes on what each says, until it falls silent: from then on nothing is passed
/// on and nothing is closed, as when a machine hangs or a network swallows packets. What was said meanwhile arrives when it
/// is opened again.
/// </summary>
public sealed class Gate : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _server;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Task _accepting;
    private TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[]? _word;
    private bool _passesWord;

    public Gate(int serverPort)
    {
        _server = serverPort;
        _open.SetResult();
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>How long each connection waits before anything of it is passed on.</summary>
    public TimeSpan Delay { get; init; }

    public bool IsSilent => !_open.Task.IsCompleted;

    /// <summary>Falls silent when the proxy next says this.</summary>
    /// <param name="passesWord">The server still hears it; only its answer does not arrive.</param>
    public void SilenceAt(string word, bool passesWord)
    {
        lock (_lock)
        {
            _passesWord = passesWord;
            _word = System.Text.Encoding.UTF8.GetBytes(word);
        }
    }

    public void Silence()
    {
        lock (_lock)
        {
            if (_open.Task.IsCompleted)
                _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Open() => _open.TrySetResult();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        client.NoDelay = true;
        try
        {
            await Task.Delay(Delay, _stop.Token);
            await _open.Task.WaitAsync(_stop.Token);
            await server.ConnectAsync(IPAddress.Loopback, _server, _stop.Token);
            await Task.WhenAll(PassAsync(client, server, isProxys: true), PassAsync(server, client, isProxys: false));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Whoever ended it, both sides see it end.
        }
        finally
        {
            client.Dispose();
        }
    }

    private async Task PassAsync(Socket from, Socket to, bool isProxys)
    {
        var buffer = new byte[64 * 1024];
        while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var count)
        {
            var isHeard = isProxys && Hears(buffer.AsSpan(0, count));
            if (!isHeard)
                await _open.Task.WaitAsync(_stop.Token);
            await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
        }
        await _open.Task.WaitAsync(_stop.Token);
        to.Shutdown(SocketShutdown.Send);
    }

    /// <returns>Whether it is passed on although nothing else is any more.</returns>
    private bool Hears(ReadOnlySpan<byte> said)
    {
        lock (_lock)
        {
            if (_word is null || said.IndexOf(_word) < 0)
                return false;
            _word = null;
        }
        Silence();
        return _passesWord;
    }
}
