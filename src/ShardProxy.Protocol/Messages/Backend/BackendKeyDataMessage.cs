using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>What a client must show to cancel this session's statements.</summary>
public readonly ref struct BackendKeyDataMessage
{
    private BackendKeyDataMessage(int processId, ReadOnlySpan<byte> key)
    {
        ProcessId = processId;
        Key = key;
    }

    public int ProcessId { get; }

    /// <summary>4 bytes in protocol 3.0, up to 256 since 3.2.</summary>
    public ReadOnlySpan<byte> Key { get; }

    public static bool TryRead(ReadOnlySpan<byte> body, out BackendKeyDataMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadInt32(out var processId) || reader.Rest.Length is < 4 or > StartupPacket.MaxCancelKeyLength)
            return false;
        message = new BackendKeyDataMessage(processId, reader.Rest);
        return true;
    }

    public static void Write(ByteBuffer to, int processId, ReadOnlySpan<byte> key)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.BackendKeyData);
        frame.Int32(processId);
        frame.Bytes(key);
        frame.End();
    }
}
