using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The result of a FunctionCall.</summary>
public readonly ref struct FunctionCallResponseMessage
{
    private FunctionCallResponseMessage(ReadOnlySpan<byte> value, bool isNull)
    {
        Value = value;
        IsNull = isNull;
    }

    public ReadOnlySpan<byte> Value { get; }

    public bool IsNull { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out FunctionCallResponseMessage message)
    {
        message = default;
        if (!ValueCursor.TryMeasure(body, 1, out var length) || length != body.Length)
            return false;
        new ValueCursor(body, 1).TryGet(0, out var value, out var isNull);
        message = new FunctionCallResponseMessage(value, isNull);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> value)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.FunctionCallResponse);
        frame.Value(value);
        frame.End();
    }

    public static void WriteNull(ByteBuffer to)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.FunctionCallResponse);
        frame.Null();
        frame.End();
    }
}
