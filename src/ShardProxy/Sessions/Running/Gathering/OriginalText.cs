using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>The client's own text, described where its tables are: what the client is told is said of that.</summary>
internal static class OriginalText
{
    /// <param name="types">The declared types of its parameters.</param>
    /// <param name="bind">The body of a Bind message, to have its values judged; empty when they are not needed.</param>
    public static void Describe(ServerConnection home, ReadOnlySpan<byte> text, uint[] types, ReadOnlySpan<byte> bind)
    {
        ParseMessage.Write(home.Channel.Output, [], text, types);
        home.UnnamedOwner = null;
        home.PendingParses.Enqueue(null);
        home.Ledger.Expect(ReplyKind.Parse, Disposition.Swallow);
        DescribeMessage.Write(home.Channel.Output, PreparedKind.Statement, []);
        home.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        if (BindMessage.TryRead(bind, out var values))
        {
            // What is wrong with a parameter is told in the server's words; the portal would keep the tables in use.
            BindMessage.WriteRenamed(home.Channel.Output, values, [], []);
            home.Ledger.Expect(ReplyKind.Bind, Disposition.Swallow);
            CloseMessage.Write(home.Channel.Output, PreparedKind.Portal, []);
            home.Ledger.Expect(ReplyKind.Close, Disposition.Swallow);
        }
        home.SendSync(Disposition.Swallow);
    }
}
