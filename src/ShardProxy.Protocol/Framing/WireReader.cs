using System.Buffers.Binary;

namespace ShardProxy.Protocol.Framing;

/// <summary>
/// Reads the fields of one message body from front to back. Every read checks its bounds and says false instead of
/// throwing; after a false the position is unspecified and the message is malformed.
/// </summary>
public ref struct WireReader(ReadOnlySpan<byte> body)
{
    private readonly ReadOnlySpan<byte> _body = body;

    /// <summary>Bytes read so far.</summary>
    public int Position { get; private set; }

    /// <summary>What was not read yet.</summary>
    public readonly ReadOnlySpan<byte> Rest => _body[Position..];

    public readonly bool AtEnd => Position == _body.Length;

    public bool TryReadByte(out byte value)
    {
        if (Position >= _body.Length)
        {
            value = 0;
            return false;
        }
        value = _body[Position++];
        return true;
    }

    public bool TryReadInt16(out short value)
    {
        if (!BinaryPrimitives.TryReadInt16BigEndian(Rest, out value))
            return false;
        Position += sizeof(short);
        return true;
    }

    /// <summary>A count: PostgreSQL sends it as Int16 and reads it as unsigned.</summary>
    public bool TryReadUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(Rest, out value))
            return false;
        Position += sizeof(ushort);
        return true;
    }

    public bool TryReadInt32(out int value)
    {
        if (!BinaryPrimitives.TryReadInt32BigEndian(Rest, out value))
            return false;
        Position += sizeof(int);
        return true;
    }

    public bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(Rest, out value))
            return false;
        Position += sizeof(uint);
        return true;
    }

    public bool TryReadBytes(int count, out ReadOnlySpan<byte> value)
    {
        if ((uint)count > (uint)(_body.Length - Position))
        {
            value = default;
            return false;
        }
        value = _body.Slice(Position, count);
        Position += count;
        return true;
    }

    /// <summary>A NUL-terminated string, given without its terminator and not decoded.</summary>
    public bool TryReadString(out ReadOnlySpan<byte> value)
    {
        var rest = Rest;
        var length = rest.IndexOf((byte)0);
        if (length < 0)
        {
            value = default;
            return false;
        }
        value = rest[..length];
        Position += length + 1;
        return true;
    }
}
