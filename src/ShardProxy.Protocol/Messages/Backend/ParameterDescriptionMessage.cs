using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>The types of a prepared statement's parameters, all of them.</summary>
public readonly ref struct ParameterDescriptionMessage
{
    private readonly ReadOnlySpan<byte> _types;

    private ParameterDescriptionMessage(ReadOnlySpan<byte> types) => _types = types;

    public int Count => _types.Length / sizeof(uint);

    public uint GetType(int index) => BinaryPrimitives.ReadUInt32BigEndian(_types[(index * sizeof(uint))..]);

    /// <summary>Where in the body the type OID of parameter <paramref name="index"/> stands, to be patched in place.</summary>
    public static int TypeOffset(int index) => sizeof(ushort) + (index * sizeof(uint));

    public static bool TryRead(ReadOnlySpan<byte> body, out ParameterDescriptionMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadUInt16(out var count) || !reader.TryReadBytes(count * sizeof(uint), out var types) || !reader.AtEnd)
            return false;
        message = new ParameterDescriptionMessage(types);
        return true;
    }

    public static void Write(ByteBuffer to, params ReadOnlySpan<uint> types)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.ParameterDescription);
        frame.Count(types.Length);
        foreach (var type in types)
            frame.UInt32(type);
        frame.End();
    }
}
