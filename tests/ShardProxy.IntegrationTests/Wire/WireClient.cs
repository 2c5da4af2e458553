using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Wire;

/// <summary>A PostgreSQL client that shows every message: it hides, repeats and repairs nothing.</summary>
public sealed class WireClient : IAsyncDisposable
{
    public const int Version30 = 3 << 16;
    public const int Version32 = (3 << 16) | 2;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly Endpoint _endpoint;
    private byte[] _input = new byte[16 * 1024];
    private int _start;
    private int _end;

    private WireClient(Endpoint endpoint) => _endpoint = endpoint;

    /// <summary>What the server said from the start-up packet to the first ReadyForQuery.</summary>
    public List<WireMessage> Greeting { get; } = [];

    /// <summary>Process id and secret key, as CancelRequest carries them.</summary>
    public byte[] CancelKey { get; private set; } = [];

    public int ProcessId => BinaryPrimitives.ReadInt32BigEndian(CancelKey);

    public static async Task<WireClient> ConnectAsync(
        Endpoint endpoint, int version = Version30, IReadOnlyDictionary<string, string>? parameters = null)
    {
        var client = await OpenSocketAsync(endpoint);
        try
        {
            var values = new Dictionary<string, string> { ["user"] = endpoint.User, ["database"] = endpoint.Database };
            foreach (var (name, value) in parameters ?? new Dictionary<string, string>())
                values[name] = value;
            await client.SendAsync(StartupPacket(version, values));
            await client.LogInAsync();
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Connected, nothing sent.</summary>
    public static async Task<WireClient> OpenSocketAsync(Endpoint endpoint)
    {
        var client = new WireClient(endpoint);
        await client._socket.ConnectAsync(endpoint.Host, endpoint.Port);
        return client;
    }

    public static byte[] StartupPacket(int version, IReadOnlyDictionary<string, string> parameters)
    {
        byte[] body =
        [
            .. FrontendScript.Int32(version),
            .. parameters.SelectMany(static pair => (byte[])[.. FrontendScript.Text(pair.Key), .. FrontendScript.Text(pair.Value)]),
            0,
        ];
        return [.. FrontendScript.Int32(body.Length + 4), .. body];
    }

    /// <summary>CancelRequest over a connection of its own, as the protocol wants it; returns when the server has closed that.</summary>
    public async Task CancelAsync()
    {
        await using var other = await OpenSocketAsync(_endpoint);
        // The code is 1234.5678 (PostgreSQL documentation, "Message Formats", CancelRequest).
        await other.SendAsync([.. FrontendScript.Int32(CancelKey.Length + 8), .. FrontendScript.Int32(80877102), .. CancelKey]);
        (await other.ReceiveByteAsync()).ShouldBeNull();
    }

    public async Task SendAsync(byte[] bytes)
    {
        for (var sent = 0; sent < bytes.Length;)
            sent += await _socket.SendAsync(bytes.AsMemory(sent), SocketFlags.None);
    }

    /// <summary>Half-closes: the server reads an end of the stream, and may still answer.</summary>
    public void ShutdownSend()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The other side was faster.
        }
    }

    public Task SendAsync(FrontendScript script) => SendAsync(script.Bytes);

    /// <summary>The next message; null at the end of the stream.</summary>
    public async Task<WireMessage?> TryReceiveAsync(TimeSpan? deadline = null)
    {
        while (true)
        {
            if (_end - _start >= 5)
            {
                var length = BinaryPrimitives.ReadInt32BigEndian(_input.AsSpan(_start + 1));
                if (length < 4)
                    throw new InvalidDataException($"A message of type '{(char)_input[_start]}' has the length {length}");
                if (_end - _start > length)
                {
                    var message = new WireMessage((char)_input[_start], _input[(_start + 5)..(_start + 1 + length)]);
                    _start += length + 1;
                    return message;
                }
            }
            if (!await FillAsync(deadline))
                return _start == _end ? null : throw new InvalidDataException("The stream ends inside a message");
        }
    }

    public async Task<WireMessage> ReceiveAsync(TimeSpan? deadline = null) =>
        await TryReceiveAsync(deadline) ?? throw new EndOfStreamException("The server closed the connection");

    /// <summary>Everything up to and with the given number of ReadyForQuery messages.</summary>
    public async Task<List<WireMessage>> ReceiveUntilReadyAsync(int count = 1, TimeSpan? deadline = null)
    {
        var messages = new List<WireMessage>();
        while (count > 0)
        {
            var message = await ReceiveAsync(deadline);
            messages.Add(message);
            if (message.Type == 'Z')
                count--;
        }
        return messages;
    }

    /// <summary>Everything until the server closes the connection.</summary>
    public async Task<List<WireMessage>> ReceiveUntilClosedAsync()
    {
        var messages = new List<WireMessage>();
        while (await TryReceiveAsync() is { } message)
            messages.Add(message);
        return messages;
    }

    /// <summary>Sends the script while reading its replies, so that no pipeline is too long.</summary>
    public async Task<List<WireMessage>> RunAsync(FrontendScript script, TimeSpan? deadline = null)
    {
        var send = SendAsync(script);
        var replies = await ReceiveUntilReadyAsync(script.Syncs, deadline);
        await send;
        return replies;
    }

    public Task<List<WireMessage>> QueryAsync(string sql, TimeSpan? deadline = null) => RunAsync(new FrontendScript().Query(sql), deadline);

    /// <summary>Runs a simple query that must not fail.</summary>
    public async Task<List<WireMessage>> MustAsync(string sql)
    {
        var replies = await QueryAsync(sql);
        replies.ShouldNotContain(static message => message.Type == 'E', $"{sql}: {string.Join('\n', replies)}");
        return replies;
    }

    /// <summary>The first column of the first row, as text.</summary>
    public async Task<string> ScalarAsync(string sql) => (await MustAsync(sql)).First(static message => message.Type == 'D').TextValues[0];

    /// <summary>One byte outside of any message (the answer to an SSLRequest); null at the end of the stream.</summary>
    public async Task<byte?> ReceiveByteAsync()
    {
        while (_start == _end)
        {
            if (!await FillAsync(null))
                return null;
        }
        return _input[_start++];
    }

    public async Task LogInAsync()
    {
        ScramClient? scram = null;
        while (true)
        {
            var message = await ReceiveAsync();
            Greeting.Add(message);
            switch (message.Type)
            {
                case 'E':
                    throw new WireException(message);
                case 'K':
                    CancelKey = message.Body;
                    break;
                case 'Z':
                    return;
                case 'R':
                    var text = Encoding.UTF8.GetString(message.Body.AsSpan(4));
                    switch (BinaryPrimitives.ReadInt32BigEndian(message.Body))
                    {
                        case 0:
                            break;
                        case 3:
                            await SendAsync(new FrontendScript().Message('p', FrontendScript.Text(_endpoint.Password)));
                            break;
                        case 10:
                            scram = new ScramClient(_endpoint.Password);
                            var first = Encoding.UTF8.GetBytes(scram.First);
                            await SendAsync(new FrontendScript().Message(
                                'p', [.. FrontendScript.Text("SCRAM-SHA-256"), .. FrontendScript.Int32(first.Length), .. first]));
                            break;
                        case 11:
                            await SendAsync(new FrontendScript().Message('p', Encoding.UTF8.GetBytes(scram!.Final(text))));
                            break;
                        case 12:
                            scram!.Verify(text);
                            break;
                        default:
                            throw new NotSupportedException(message.ToString());
                    }
                    break;
            }
        }
    }

    /// <summary>Closes without a Terminate message, as a client that dies.</summary>
    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<bool> FillAsync(TimeSpan? deadline)
    {
        if (_start > 0)
        {
            _input.AsSpan(_start, _end - _start).CopyTo(_input);
            _end -= _start;
            _start = 0;
        }
        if (_end == _input.Length)
            Array.Resize(ref _input, 2 * _input.Length);
        using var timeout = new CancellationTokenSource(deadline ?? Until.Patience);
        try
        {
            var count = await _socket.ReceiveAsync(_input.AsMemory(_end), SocketFlags.None, timeout.Token);
            _end += count;
            return count > 0;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"No message from {_endpoint.Host}:{_endpoint.Port} within {(deadline ?? Until.Patience).TotalSeconds} s");
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            return false;
        }
    }
}
