using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A simple query: one or more statements, answered up to ReadyForQuery.</summary>
public readonly ref struct QueryMessage
{
    private QueryMessage(ReadOnlySpan<byte> sql) => Sql = sql;

    public ReadOnlySpan<byte> Sql { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out QueryMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var sql) || !reader.AtEnd)
            return false;
        message = new QueryMessage(sql);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> sql)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Query);
        frame.String(sql);
        frame.End();
    }
}
