using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Runs a portal, to its end or to a number of rows.</summary>
public readonly ref struct ExecuteMessage
{
    private ExecuteMessage(ReadOnlySpan<byte> portal, int maxRows)
    {
        Portal = portal;
        MaxRows = maxRows;
    }

    /// <summary>Empty for the unnamed portal.</summary>
    public ReadOnlySpan<byte> Portal { get; }

    /// <summary>0 or less is without limit.</summary>
    public int MaxRows { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out ExecuteMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var portal) || !reader.TryReadInt32(out var maxRows) || !reader.AtEnd)
            return false;
        message = new ExecuteMessage(portal, maxRows);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> portal, int maxRows)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Execute);
        frame.String(portal);
        frame.Int32(maxRows);
        frame.End();
    }
}
