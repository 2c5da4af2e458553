using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// Makes one COPY TO of several: the beginning of the first, the rows of all, the end of the last. A server sends a CSV or
/// text header as a message of its own; in the binary format the 19 bytes of signature, flags and extension length stand
/// before the first row in its message, and the trailer is a message of two bytes (PostgreSQL's copyto.c).
/// </summary>
internal sealed class CopyOutTap(CopyOptions options, bool isFirst, bool isLast, ByteBuffer client) : IReplyTap
{
    private const int BinaryHeaderLength = 19;

    private bool _headerSeen;

    public long Rows { get; private set; }

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        switch (type)
        {
            case BackendMessageType.CopyOutResponse:
                return forward && isFirst;
            case BackendMessageType.CopyData:
                return forward && OnData(frame);
            case BackendMessageType.CopyDone:
                return forward && isLast;
            case BackendMessageType.CommandComplete:
                if (CommandCompleteMessage.TryRead(frame[Frame.HeaderLength..], out var complete) && complete.TryGetRowCount(out var rows))
                    Rows = rows;
                return false;
            default:
                return forward;
        }
    }

    private bool OnData(ReadOnlySpan<byte> frame)
    {
        if (options.Format == CopyFormat.Binary)
            return OnBinary(frame[Frame.HeaderLength..]);
        var isHeader = options.Header != CopyHeader.None && !_headerSeen;
        _headerSeen = true;
        return !isHeader || isFirst;
    }

    private bool OnBinary(ReadOnlySpan<byte> data)
    {
        if (!_headerSeen)
        {
            _headerSeen = true;
            if (!isFirst)
                data = data[Math.Min(BinaryHeaderLength, data.Length)..];
        }
        // A row never consists of its field count alone with the value -1.
        if (!isLast && data is [.. var rest, 0xFF, 0xFF] && (rest.Length is 0 or BinaryHeaderLength))
            data = rest;
        if (data.Length > 0)
            CopyDataMessage.Write(client, data);
        return false;
    }
}
