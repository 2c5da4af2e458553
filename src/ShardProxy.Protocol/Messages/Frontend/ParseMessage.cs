using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>Prepares a statement under a name, with the types of its first parameters where the client gives them.</summary>
public readonly ref struct ParseMessage
{
    private ParseMessage(ReadOnlySpan<byte> name, ReadOnlySpan<byte> query, ReadOnlySpan<byte> rawTypes)
    {
        Name = name;
        Query = query;
        RawParameterTypes = rawTypes;
    }

    /// <summary>Empty for the unnamed statement.</summary>
    public ReadOnlySpan<byte> Name { get; }

    public ReadOnlySpan<byte> Query { get; }

    /// <summary>Type OIDs as big-endian Int32, without their count; they stand at the end of the frame.</summary>
    public ReadOnlySpan<byte> RawParameterTypes { get; }

    /// <summary>May be fewer than the statement has parameters.</summary>
    public int ParameterTypeCount => RawParameterTypes.Length / sizeof(uint);

    /// <summary>0 leaves the type to the server; so does an index beyond the count.</summary>
    public uint GetParameterType(int index) => index < ParameterTypeCount
        ? BinaryPrimitives.ReadUInt32BigEndian(RawParameterTypes[(index * sizeof(uint))..])
        : 0;

    public static bool TryRead(ReadOnlySpan<byte> body, out ParseMessage message)
    {
        message = default;
        var reader = new WireReader(body);
        if (!reader.TryReadString(out var name) || !reader.TryReadString(out var query))
            return false;
        if (!reader.TryReadUInt16(out var count) || !reader.TryReadBytes(count * sizeof(uint), out var rawTypes) || !reader.AtEnd)
            return false;
        message = new ParseMessage(name, query, rawTypes);
        return true;
    }

    public static void Write(ByteBuffer to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> query, params ReadOnlySpan<uint> parameterTypes)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Parse);
        frame.String(name);
        frame.String(query);
        frame.Count(parameterTypes.Length);
        foreach (var type in parameterTypes)
            frame.UInt32(type);
        frame.End();
    }

    /// <param name="rawParameterTypes">As in <see cref="RawParameterTypes"/>.</param>
    public static void WriteRaw(ByteBuffer to, ReadOnlySpan<byte> name, ReadOnlySpan<byte> query, ReadOnlySpan<byte> rawParameterTypes)
    {
        var frame = FrameWriter.Begin(to, FrontendMessageType.Parse);
        frame.String(name);
        frame.String(query);
        frame.Count(Math.DivRem(rawParameterTypes.Length, sizeof(uint), out var rest));
        if (rest != 0)
            throw new ArgumentException("Type OIDs have four bytes each.", nameof(rawParameterTypes));
        frame.Bytes(rawParameterTypes);
        frame.End();
    }

    /// <summary>The same statement under another name.</summary>
    public static void WriteRenamed(ByteBuffer to, in ParseMessage original, ReadOnlySpan<byte> name) =>
        WriteRaw(to, name, original.Query, original.RawParameterTypes);
}
