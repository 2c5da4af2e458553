using System.Text;
using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>Runs a query of the proxy's own on a session's server connection and takes the first column of its rows.</summary>
public sealed class ServerValues : IReplyTap
{
    private readonly List<string?> _values = [];

    /// <returns>Null when the query failed (in a failed block it does).</returns>
    public static async ValueTask<IReadOnlyList<string?>?> ReadAsync(Session session, ServerConnection server, string sql)
    {
        server.SendQuery(sql, Disposition.Swallow);
        var tap = new ServerValues();
        await session.DrainAsync(server, tap);
        return session.Relay.SwallowedError is null ? tap._values : null;
    }

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        if (type == BackendMessageType.DataRow && DataRowMessage.TryRead(frame[Frame.HeaderLength..], out var row)
            && row.TryGetColumn(0, out var value, out var isNull))
        {
            _values.Add(isNull ? null : Encoding.UTF8.GetString(value));
        }
        return forward;
    }
}
