using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

/// <summary>Waits of loop code in tests: all have a deadline, so that a lost wake-up fails instead of hanging.</summary>
internal static class Waiting
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    public static async ValueTask<int> ReceiveSomeAsync(this Connection connection, Memory<byte> buffer)
    {
        while (true)
        {
            var count = connection.TryReceive(buffer.Span);
            if (count != 0)
                return count;
            connection.Interest = Readiness.Readable;
            await connection.Signal!.WaitAsync();
            if (connection.Signal!.DeadlinePassed)
                throw new TimeoutException("nothing arrived");
        }
    }

    public static async ValueTask SendAllAsync(this Connection connection, ReadOnlyMemory<byte> data)
    {
        while (!data.IsEmpty)
        {
            var count = connection.TrySend(data.Span);
            if (count < 0)
                throw new PeerClosedException(connection);
            data = data[count..];
            if (count > 0)
                continue;
            connection.Interest = Readiness.Writable;
            await connection.Signal!.WaitAsync();
            if (connection.Signal!.DeadlinePassed)
                throw new TimeoutException("the peer took nothing");
        }
    }

    /// <summary>Gives the connection a signal with the tests' deadline.</summary>
    public static LoopSignal Watch(this Connection connection)
    {
        var signal = new LoopSignal(connection.Loop) { Deadline = Environment.TickCount64 + (long)Limit.TotalMilliseconds };
        connection.Signal = signal;
        return signal;
    }

    public static void Unwatch(this Connection connection)
    {
        connection.Signal!.Deadline = 0;
        connection.Signal = null;
    }
}
