using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Ends the answer to a Query, a FunctionCall or a Sync.</summary>
public readonly ref struct ReadyForQueryMessage
{
    /// <summary>Bytes of the whole frame; the status is the last one and may be patched in place.</summary>
    public const int FrameLength = Frame.HeaderLength + 1;

    private ReadyForQueryMessage(TransactionStatus status) => Status = status;

    public TransactionStatus Status { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out ReadyForQueryMessage message)
    {
        message = default;
        if (body.Length != 1)
            return false;
        message = new ReadyForQueryMessage((TransactionStatus)body[0]);
        return message.Status is TransactionStatus.Idle or TransactionStatus.InTransaction or TransactionStatus.Failed;
    }

    public static void Write(ByteBuffer to, TransactionStatus status)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.ReadyForQuery);
        frame.Byte((byte)status);
        frame.End();
    }
}
