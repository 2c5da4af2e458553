using System.Globalization;
using System.Text;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Extended;

namespace ShardProxy.Sessions.Spreading;

/// <summary>One shard's cursor, declared there by SQL, so that each FETCH can say the formats of its rows.</summary>
public sealed class DeclaredShardCursor(Session session, ServerConnection server, byte[] name) : ShardCursor(session, server, name, portion: 1)
{
    private int _asked;

    /// <summary>Format codes of the shard's columns; set before the first portion.</summary>
    public short[] Formats { get; set; } = [];

    /// <summary>Declares it, and asks what its rows are.</summary>
    public void Declare(ReadOnlySpan<byte> query)
    {
        var declare = new ByteBuffer();
        declare.Write("DECLARE \""u8);
        declare.Write(Portal);
        declare.Write("\" NO SCROLL CURSOR FOR "u8);
        declare.Write(query);
        Server.SendQuery(declare.Unread, Disposition.Swallow);
        WriteFetch(1);
        DescribeMessage.Write(Server.Channel.Output, PreparedKind.Statement, []);
        Server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        Server.SendSync(Disposition.Swallow);
    }

    protected override void WriteAsk(int rows)
    {
        _asked = rows;
        WriteFetch(rows);
        var output = Server.Channel.Output;
        BindMessage.Write(output, [], [], [], [], Formats);
        Server.Ledger.Expect(ReplyKind.Bind, Disposition.Swallow);
        ExecuteMessage.Write(output, [], 0);
        Server.Ledger.Expect(ReplyKind.Execute, Disposition.Swallow);
    }

    protected override bool IsLast(ReadOnlySpan<byte> body) =>
        !CommandCompleteMessage.TryRead(body, out var complete) || !complete.TryGetRowCount(out var rows) || rows < _asked;

    private void WriteFetch(int rows)
    {
        var fetch = string.Create(CultureInfo.InvariantCulture, $"FETCH {rows} FROM \"{Encoding.ASCII.GetString(Portal)}\"");
        ExtendedUnit.WriteUnnamed(Server, Encoding.ASCII.GetBytes(fetch), [], Disposition.Swallow);
    }
}
