using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>A statement, or the session when the severity is FATAL, failed.</summary>
public readonly ref struct ErrorResponseMessage
{
    private ErrorResponseMessage(ErrorFields fields) => Fields = fields;

    public ErrorFields Fields { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out ErrorResponseMessage message)
    {
        var sound = ErrorFields.TryRead(body, out var fields);
        message = new ErrorResponseMessage(sound ? fields : default);
        return sound;
    }

    public static void Write(ByteBuffer to, ServerError error) => error.Write(to, BackendMessageType.ErrorResponse);
}
