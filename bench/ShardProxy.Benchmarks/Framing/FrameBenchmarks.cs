using BenchmarkDotNet.Attributes;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Benchmarks.Framing;

/// <summary>A server's reply to a point SELECT (RowDescription, DataRow, CommandComplete, ReadyForQuery): cut into frames and relayed.</summary>
public class FrameBenchmarks
{
    private readonly byte[] _reply = BuildReply();
    private readonly ByteBuffer _input = new();
    private readonly ByteBuffer _output = new();

    [Benchmark]
    public int CutAndRelayReply()
    {
        _input.Write(_reply);
        var frames = 0;
        while (Frame.TryRead(_input.Unread, 1 << 20, out _, out var length) == FrameStatus.Complete)
        {
            _output.Write(_input.Unread[..length]);
            _input.Consume(length);
            frames++;
        }
        _output.Clear();
        return frames;
    }

    private static byte[] BuildReply()
    {
        var reply = new ByteBuffer();
        foreach (var (type, length) in new[] { ((byte)'T', 33), ((byte)'D', 11), ((byte)'C', 13), ((byte)'Z', 5) })
        {
            var frame = FrameWriter.Begin(reply, type);
            frame.Bytes(new byte[length - sizeof(int)]);
            frame.End();
        }
        return reply.Unread.ToArray();
    }
}
