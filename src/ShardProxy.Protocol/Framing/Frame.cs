using System.Buffers.Binary;

namespace ShardProxy.Protocol.Framing;

public enum FrameStatus
{
    /// <summary>Fewer bytes than the header, or than the header announces.</summary>
    Incomplete,
    Complete,

    /// <summary>The length is below 4 or above the limit: the stream cannot be followed any further.</summary>
    Malformed,
}

/// <summary>
/// Cuts messages out of a byte stream: one type byte, a big-endian int32 length that counts itself and the body but not
/// the type byte, the body (PostgreSQL documentation, "Message Formats"). Start-up packets, which have no type byte, are
/// not frames: see StartupPacket.
/// </summary>
public static class Frame
{
    /// <summary>Type byte and length, in bytes.</summary>
    public const int HeaderLength = 5;

    /// <param name="frameLength">Bytes of the whole frame, header included; set as soon as the header is there and sound.</param>
    /// <param name="maxLength">Largest whole frame accepted, in bytes.</param>
    public static FrameStatus TryRead(ReadOnlySpan<byte> data, int maxLength, out byte type, out int frameLength)
    {
        if (data.Length < HeaderLength)
        {
            type = data.Length > 0 ? data[0] : (byte)0;
            frameLength = 0;
            return FrameStatus.Incomplete;
        }
        type = data[0];
        var length = BinaryPrimitives.ReadInt32BigEndian(data[1..]);
        if (length < 4 || length > maxLength - 1)
        {
            frameLength = 0;
            return FrameStatus.Malformed;
        }
        frameLength = length + 1;
        return data.Length >= frameLength ? FrameStatus.Complete : FrameStatus.Incomplete;
    }
}
