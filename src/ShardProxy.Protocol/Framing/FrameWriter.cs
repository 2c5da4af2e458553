using System.Buffers.Binary;
using System.Text;

namespace ShardProxy.Protocol.Framing;

/// <summary>
/// Writes one frame to the end of a buffer: <see cref="Begin"/>, the fields in order, <see cref="End"/>, which fills in
/// the length. Nothing else may write to or consume from the buffer in between.
/// </summary>
public readonly ref struct FrameWriter
{
    private readonly ByteBuffer _to;
    private readonly int _lengthAt;

    private FrameWriter(ByteBuffer to, int lengthAt)
    {
        _to = to;
        _lengthAt = lengthAt;
    }

    public static FrameWriter Begin(ByteBuffer to, byte type)
    {
        var lengthAt = to.Count + 1;
        to.GetSpan(Frame.HeaderLength)[0] = type;
        to.Advance(Frame.HeaderLength);
        return new FrameWriter(to, lengthAt);
    }

    /// <summary>A start-up packet: a frame without a type byte.</summary>
    public static FrameWriter BeginUntyped(ByteBuffer to)
    {
        var lengthAt = to.Count;
        to.GetSpan(sizeof(int));
        to.Advance(sizeof(int));
        return new FrameWriter(to, lengthAt);
    }

    /// <summary>A whole frame without fields.</summary>
    public static void WriteEmpty(ByteBuffer to, byte type)
    {
        var span = to.GetSpan(Frame.HeaderLength);
        span[0] = type;
        BinaryPrimitives.WriteInt32BigEndian(span[1..], sizeof(int));
        to.Advance(Frame.HeaderLength);
    }

    public void Byte(byte value)
    {
        _to.GetSpan(1)[0] = value;
        _to.Advance(1);
    }

    public void Int16(short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(_to.GetSpan(sizeof(short)), value);
        _to.Advance(sizeof(short));
    }

    /// <summary>The number of fields that follow, at most 65,535.</summary>
    public void Count(int value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, ushort.MaxValue, nameof(value));
        BinaryPrimitives.WriteUInt16BigEndian(_to.GetSpan(sizeof(ushort)), (ushort)value);
        _to.Advance(sizeof(ushort));
    }

    public void Int32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_to.GetSpan(sizeof(int)), value);
        _to.Advance(sizeof(int));
    }

    public void UInt32(uint value) => Int32((int)value);

    public void Bytes(ReadOnlySpan<byte> value) => _to.Write(value);

    /// <summary>An Int32 length and the bytes.</summary>
    public void Value(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        _to.Write(value);
    }

    /// <summary>The length -1, which stands for SQL null.</summary>
    public void Null() => Int32(-1);

    /// <summary>The bytes and a NUL. A NUL within would shift every later field, so it is refused.</summary>
    public void String(ReadOnlySpan<byte> value)
    {
        if (value.Contains((byte)0))
            throw new ArgumentException("A string in a message cannot contain NUL.", nameof(value));
        var span = _to.GetSpan(value.Length + 1);
        value.CopyTo(span);
        span[value.Length] = 0;
        _to.Advance(value.Length + 1);
    }

    /// <summary>As UTF-8.</summary>
    public void String(string value)
    {
        if (value.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("A string in a message cannot contain NUL.", nameof(value));
        var span = _to.GetSpan(Encoding.UTF8.GetMaxByteCount(value.Length) + 1);
        var length = Encoding.UTF8.GetBytes(value, span);
        span[length] = 0;
        _to.Advance(length + 1);
    }

    public void End()
    {
        var frame = _to.UnreadMutable[_lengthAt..];
        BinaryPrimitives.WriteInt32BigEndian(frame, frame.Length);
    }
}
