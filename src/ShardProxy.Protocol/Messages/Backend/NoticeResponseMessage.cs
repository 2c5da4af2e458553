using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A warning or a piece of information; it may come at any moment.</summary>
public readonly ref struct NoticeResponseMessage
{
    private NoticeResponseMessage(ErrorFields fields) => Fields = fields;

    public ErrorFields Fields { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out NoticeResponseMessage message)
    {
        var sound = ErrorFields.TryRead(body, out var fields);
        message = new NoticeResponseMessage(sound ? fields : default);
        return sound;
    }

    public static void Write(ByteBuffer to, ServerError error) => error.Write(to, BackendMessageType.NoticeResponse);
}
