using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Extended;

/// <summary>Asks a server which types it infers for a statement's undeclared parameters; once per text.</summary>
internal sealed class ParameterTypeLookup
{
    private readonly Session _session;
    private readonly Func<int, ValueTask<ServerConnection>> _use;

    /// <param name="use">Gives the connection of a shard for the unit at hand.</param>
    public ParameterTypeLookup(Session session, Func<int, ValueTask<ServerConnection>> use)
    {
        _session = session;
        _use = use;
    }

    public async ValueTask<uint[]> ResolveAsync(ClientStatement statement)
    {
        // An unnamed text may come again and again: what is known of it is kept with its named twin.
        var text = statement.IsUnnamed
            ? _session.Database.PreparedTexts.Intern(statement.Text.Sql, statement.Text.ParameterTypes, _session.Planning().Routing.Version)
            : statement.Text;
        if (text.InferredTypes is { } known)
            return known;
        var server = await _use(_session.Servers.AnyShard());
        Running.PreparedRunner.SendParse(server, text, _session, Disposition.Swallow);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, text.ServerName);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        FlushMessage.Write(server.Channel.Output);
        var tap = new Tap();
        _session.StartRelay(server);
        _session.Relay.Tap = tap;
        await _session.PumpAsync(server);
        _session.Relay.Tap = null;
        // The error of a message before it on the same connection.
        if (_session.Relay.ErrorSeen)
            throw new UnitSkippedException();
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        var objectIds = _session.ObjectIds(server.Shard);
        return text.InferredTypes = Array.ConvertAll(tap.Types, objectIds.ToHome);
    }

    private sealed class Tap : IReplyTap
    {
        public uint[] Types { get; private set; } = [];

        public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
        {
            if (type == BackendMessageType.ParameterDescription && ParameterDescriptionMessage.TryRead(frame[Frame.HeaderLength..], out var description))
            {
                Types = new uint[description.Count];
                for (var i = 0; i < Types.Length; i++)
                    Types[i] = description.GetType(i);
            }
            return forward;
        }
    }
}
