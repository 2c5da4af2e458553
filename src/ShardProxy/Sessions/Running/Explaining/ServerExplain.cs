using System.Text;
using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Running.Explaining;

/// <summary>Takes servers' answers to EXPLAIN, line by line.</summary>
internal sealed class ServerExplain : IReplyTap
{
    private List<string> _lines = [];

    /// <summary>Asks all shards at once, of a statement without parameters.</summary>
    public static ValueTask<IReadOnlyList<string>[]> AskAsync(Session session, IReadOnlyList<int> shards, string sql) =>
        AskAsync(session, shards, new ShardStatement(Encoding.UTF8.GetBytes(sql)));

    public static async ValueTask<IReadOnlyList<string>[]> AskAsync(Session session, IReadOnlyList<int> shards, ShardStatement statement)
    {
        var servers = new ServerConnection[shards.Count];
        for (var index = 0; index < servers.Length; index++)
            servers[index] = await session.Servers.GetAsync(shards[index]);
        foreach (var server in servers)
        {
            statement.Send(session, server);
            session.Flush(server);
        }
        var answers = new IReadOnlyList<string>[servers.Length];
        var tap = new ServerExplain();
        ServerError? error = null;
        session.StartQueryClock();
        for (var index = 0; index < servers.Length; index++)
        {
            answers[index] = await tap.TakeAsync(session, servers[index]);
            error ??= session.Relay.SwallowedError;
            Aftermath.FollowServer(session, servers[index]);
        }
        session.StopClock();
        return error is null ? answers : throw new SqlErrorException(error with { Position = null });
    }

    /// <summary>The lines of what the server owes; the relay has its error.</summary>
    public async ValueTask<IReadOnlyList<string>> TakeAsync(Session session, ServerConnection server)
    {
        _lines = [];
        await session.DrainAsync(server, this);
        return _lines;
    }

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        if (type == BackendMessageType.DataRow && DataRowMessage.TryRead(frame[Frame.HeaderLength..], out var row) && row.TryGetColumn(0, out var value, out _))
            _lines.Add(Encoding.UTF8.GetString(value));
        return forward;
    }
}
