using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Execution.Copying;

/// <summary>
/// Gathers rows for one shard into CopyData frames at the end of its output. While a frame is open, nobody else may write
/// to the output, and it must not be sent.
/// </summary>
internal sealed class CopyFrames(ByteBuffer output)
{
    /// <summary>A frame of several rows is no longer than this, in bytes: what a pipe or a socket takes at once.</summary>
    private const int PreferredLength = 64 * 1024;

    /// <summary>Bytes of the open frame, its header included; 0 when none is open.</summary>
    private int _open;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_open > 0 && _open + bytes.Length > PreferredLength)
            Close();
        if (_open == 0)
        {
            output.GetSpan(Frame.HeaderLength)[0] = FrontendMessageType.CopyData;
            output.Advance(Frame.HeaderLength);
            _open = Frame.HeaderLength;
        }
        output.Write(bytes);
        _open += bytes.Length;
    }

    public void Close()
    {
        if (_open == 0)
            return;
        BinaryPrimitives.WriteInt32BigEndian(output.UnreadMutable[^(_open - 1)..], _open - 1);
        _open = 0;
    }
}
