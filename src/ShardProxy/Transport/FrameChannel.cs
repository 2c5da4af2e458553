using ShardProxy.Protocol.Framing;

namespace ShardProxy.Transport;

/// <summary>
/// A connection with its two buffers, read frame by frame: what a client session and a server connection each own one
/// of. The Try members are for the data path and never wait; the Async ones are for logins and other short dialogues
/// that may allocate, and wait on the connection's signal.
/// </summary>
public sealed class FrameChannel
{
    private readonly int _maxFrameLength;

    public FrameChannel(Connection connection, int maxFrameLength)
    {
        Connection = connection;
        _maxFrameLength = maxFrameLength;
    }

    /// <summary>The byte stream; replaced once when TLS starts on it.</summary>
    public Connection Connection { get; set; }

    /// <summary>What arrived and was not consumed.</summary>
    public ByteBuffer Input { get; } = new();

    /// <summary>What is to be sent and the socket did not take yet.</summary>
    public ByteBuffer Output { get; } = new();

    public int MaxFrameLength => _maxFrameLength;

    /// <summary>Receives once into <see cref="Input"/>: false when nothing was there. Throws <see cref="PeerClosedException"/> at the end of the stream.</summary>
    public bool TryReceive(int sizeHint = ByteBuffer.MinimumCapacity)
    {
        var count = Receive(sizeHint);
        return count >= 0 ? count > 0 : throw new PeerClosedException(Connection);
    }

    /// <summary>Receives once into <see cref="Input"/>: the bytes, 0 when nothing was there, -1 at the end of the stream.</summary>
    public int Receive(int sizeHint = ByteBuffer.MinimumCapacity)
    {
        // Nothing there is the common answer, and needs no buffer.
        if ((Connection.Ready & Readiness.Readable) == 0)
            return 0;
        var count = Connection.TryReceive(Input.GetSpan(sizeHint));
        if (count > 0)
            Input.Advance(count);
        return count;
    }

    /// <summary>Sends what <see cref="Output"/> holds as far as the socket takes it: true when all is gone.</summary>
    public bool TryFlush()
    {
        while (!Output.IsEmpty)
        {
            var count = Connection.TrySend(Output.Unread);
            if (count < 0)
                throw new PeerClosedException(Connection);
            if (count == 0)
                return false;
            Output.Consume(count);
        }
        return true;
    }

    /// <summary>Waits until a whole frame stands at the front of <see cref="Input"/>; consume its length when done with it.</summary>
    public async ValueTask<(byte Type, int Length)> PeekFrameAsync()
    {
        while (true)
        {
            var status = Frame.TryRead(Input.Unread, _maxFrameLength, out var type, out var length);
            if (status == FrameStatus.Complete)
                return (type, length);
            if (status == FrameStatus.Malformed)
                throw new MalformedFrameException(Connection);
            await ReceiveAsync();
        }
    }

    /// <summary>Waits for at least one more byte.</summary>
    public async ValueTask ReceiveAsync()
    {
        while (!TryReceive())
            await WaitAsync(Readiness.Readable);
    }

    public async ValueTask FlushAsync()
    {
        while (!TryFlush())
            await WaitAsync(Readiness.Writable);
        Output.Release();
    }

    private async ValueTask WaitAsync(Readiness interest)
    {
        var signal = Connection.Signal ?? throw new InvalidOperationException("The connection has no signal to wait on.");
        Connection.Interest = interest;
        await signal.WaitAsync();
        if (signal.DeadlinePassed)
            throw new TimeoutException($"{Connection.RemoteName} did not answer in time.");
    }
}
