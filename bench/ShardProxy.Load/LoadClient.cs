using System.Net;
using System.Net.Sockets;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Load;

/// <summary>One connection, logged in without TLS by SCRAM or trust. Reads whole frames from a buffer that many fit in.</summary>
internal sealed class LoadClient : IDisposable
{
    // linux/in.h. The port is then chosen by connect, which needs it to be free only towards this server; a search by bind
    // costs more than the whole login once thousands of ports wait for their end.
    private const int SolIp = 0;
    private const int IpBindAddressNoPort = 24;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly ByteBuffer _output = new();
    private byte[] _input;
    private int _start;
    private int _end;
    private int _bodyLength;

    private LoadClient(int inputSize) => _input = new byte[inputSize];

    /// <summary>Of the last <see cref="Next"/>, without its header; valid until the next one.</summary>
    public ReadOnlySpan<byte> Body => _input.AsSpan(_start, _bodyLength);

    /// <param name="source">The local address; a port is chosen from those free for it, so that several addresses allow more connections.</param>
    /// <param name="keys">Of an earlier login, which makes this one cheap; set to those of this one.</param>
    public static LoadClient Connect(LoadTarget target, IPAddress source, int inputSize, ref ScramKeys? keys)
    {
        var client = new LoadClient(inputSize);
        try
        {
            client._socket.SetRawSocketOption(SolIp, IpBindAddressNoPort, [1, 0, 0, 0]);
            client._socket.Bind(new IPEndPoint(source, 0));
            client._socket.Connect(IPAddress.Loopback, target.Port);
            client.LogIn(target, ref keys);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>Says goodbye, as drivers do; <see cref="Dispose"/> alone is a client that died.</summary>
    public void Terminate()
    {
        TerminateMessage.Write(_output);
        SendOutput();
    }

    /// <summary>Gives the buffer back: nothing more is read.</summary>
    public void StopReading() => _input = [];

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[_socket.Send(bytes)..];
    }

    public void SendQuery(string sql)
    {
        QueryMessage.Write(_output, System.Text.Encoding.UTF8.GetBytes(sql));
        SendOutput();
    }

    /// <summary>The type of the next message; an error is thrown.</summary>
    public byte Next()
    {
        _start += _bodyLength;
        _bodyLength = 0;
        while (true)
        {
            switch (Frame.TryRead(_input.AsSpan(_start, _end - _start), int.MaxValue, out var type, out var length))
            {
                case FrameStatus.Malformed:
                    throw new IOException("The server sent something that is no message.");
                case FrameStatus.Complete:
                    _start += Frame.HeaderLength;
                    _bodyLength = length - Frame.HeaderLength;
                    return type == BackendMessageType.ErrorResponse ? throw ServerRefusedException.From(Body) : type;
                default:
                    Receive(length);
                    break;
            }
        }
    }

    /// <summary>Messages up to one of this type.</summary>
    public void SkipTo(byte type)
    {
        while (Next() != type)
        {
        }
    }

    private void Receive(int frameLength)
    {
        if (_start > 0)
        {
            _input.AsSpan(_start, _end - _start).CopyTo(_input);
            _end -= _start;
            _start = 0;
        }
        if (frameLength > _input.Length)
            Array.Resize(ref _input, frameLength);
        var received = _socket.Receive(_input.AsSpan(_end));
        if (received == 0)
            throw new IOException("The server closed the connection.");
        _end += received;
    }

    private void LogIn(LoadTarget target, ref ScramKeys? keys)
    {
        StartupPacket.WriteStartup(_output, StartupPacket.Version30, [new("user", target.User), new("database", target.Database)]);
        SendOutput();
        var exchange = new ScramClientExchange(target.Password, keys, ScramBinding.None, null);
        byte type;
        while ((type = Next()) != BackendMessageType.ReadyForQuery)
        {
            if (type != BackendMessageType.Authentication)
                continue;
            if (!AuthenticationMessage.TryRead(Body, out var message))
                throw new IOException("The server's authentication message cannot be read.");
            Answer(exchange, message);
        }
        keys = exchange.Keys ?? keys;
    }

    private void Answer(ScramClientExchange exchange, AuthenticationMessage message)
    {
        var failure = ScramFailure.None;
        switch (message.Kind)
        {
            case AuthenticationKind.Ok:
                return;
            case AuthenticationKind.Sasl:
                SaslInitialResponseMessage.Write(_output, "SCRAM-SHA-256"u8, exchange.Start());
                break;
            case AuthenticationKind.SaslContinue:
                failure = exchange.Continue(message.Data, out var final);
                SaslResponseMessage.Write(_output, final);
                break;
            case AuthenticationKind.SaslFinal:
                failure = exchange.Finish(message.Data);
                break;
            default:
                throw new IOException($"The server asks for authentication of kind {message.Kind}.");
        }
        if (failure != ScramFailure.None)
            throw new IOException($"SCRAM failed: {failure}.");
        SendOutput();
    }

    private void SendOutput()
    {
        Send(_output.Unread);
        _output.Clear();
        _output.Release();
    }
}
