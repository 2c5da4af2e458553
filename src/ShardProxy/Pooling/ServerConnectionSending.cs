using System.Text;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Pooling;

/// <summary>Writes a message into a server connection's output and its reply into the ledger, so the two cannot part.</summary>
public static class ServerConnectionSending
{
    public static void SendQuery(this ServerConnection server, ReadOnlySpan<byte> sql, Disposition disposition)
    {
        QueryMessage.Write(server.Channel.Output, sql);
        server.Ledger.Expect(ReplyKind.Query, disposition);
        server.UnnamedOwner = null;
    }

    public static void SendQuery(this ServerConnection server, string sql, Disposition disposition) =>
        server.SendQuery(Encoding.UTF8.GetBytes(sql), disposition);

    public static void SendSync(this ServerConnection server, Disposition disposition)
    {
        SyncMessage.Write(server.Channel.Output);
        server.Ledger.Expect(ReplyKind.Sync, disposition);
        server.NeedsSync = false;
    }
}
