using ShardProxy.Execution;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>
/// Gives the client the description of the statement that it wrote in place of that of the statement that runs, and no
/// positions in a text that it does not know. Goes out of the way with the first row.
/// </summary>
internal sealed class DescriptionSwap(ReplyRelay relay, ByteBuffer client, byte[] description) : IReplyTap
{
    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        if (!forward)
            return false;
        if (type == BackendMessageType.RowDescription && description.Length > 0)
        {
            client.Write(description);
            relay.Tap = null;
            return false;
        }
        if (type != BackendMessageType.ErrorResponse || !ErrorResponseMessage.TryRead(frame[Frame.HeaderLength..], out var message))
            return true;
        (ServerError.From(message.Fields) with { Position = null }).WriteError(client);
        return false;
    }
}
