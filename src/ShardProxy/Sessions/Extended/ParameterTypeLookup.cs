using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Extended;

/// <summary>Asks a server which types it infers for a statement's undeclared parameters, and which its columns have; once per text.</summary>
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
        var text = Named(statement);
        return text.InferredTypes ?? (await AskAsync(text, _session.Servers.AnyShard(), isLasting: true)).Parameters;
    }

    /// <param name="isLasting">The columns are the same whenever the text runs.</param>
    /// <returns>Types by the home shard's ids.</returns>
    public async ValueTask<(uint[] Parameters, uint[] Columns)> DescribeAsync(ClientStatement statement, int shard, bool isLasting)
    {
        var text = Named(statement);
        return isLasting && text is { InferredTypes: { } parameters, ResultTypes: { } columns }
            ? (parameters, columns)
            : await AskAsync(text, shard, isLasting);
    }

    private PreparedText Named(ClientStatement statement) => statement.IsUnnamed
        ? _session.Database.PreparedTexts.Intern(statement.Text.Sql, statement.Text.ParameterTypes, _session.Planning().Routing.Version)
        : statement.Text;

    private async ValueTask<(uint[] Parameters, uint[] Columns)> AskAsync(PreparedText text, int shard, bool isLasting)
    {
        var server = await _use(shard);
        Running.PreparedRunner.SendParse(server, text, _session, Disposition.Swallow);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, text.ServerName);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        FlushMessage.Write(server.Channel.Output);
        var tap = new Tap();
        _session.StartRelay(server);
        _session.Relay.KeepsRowTypes = true;
        _session.Relay.Tap = tap;
        await _session.PumpAsync(server);
        _session.Relay.Tap = null;
        // The error of a message before it on the same connection.
        if (_session.Relay.ErrorSeen)
            throw new UnitSkippedException();
        if (_session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        var objectIds = _session.ObjectIds(server.Shard);
        var types = Array.ConvertAll(tap.Types, objectIds.ToHome);
        var columns = Array.ConvertAll(tap.Columns, objectIds.ToHome);
        if (isLasting)
        {
            text.InferredTypes = types;
            text.ResultTypes = columns;
        }
        return (types, columns);
    }

    private sealed class Tap : IReplyTap
    {
        public uint[] Types { get; private set; } = [];

        public uint[] Columns { get; private set; } = [];

        public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
        {
            if (type == BackendMessageType.ParameterDescription && ParameterDescriptionMessage.TryRead(frame[Frame.HeaderLength..], out var description))
            {
                Types = new uint[description.Count];
                for (var i = 0; i < Types.Length; i++)
                    Types[i] = description.GetType(i);
            }
            else if (type == BackendMessageType.RowDescription && RowDescriptionMessage.TryRead(frame[Frame.HeaderLength..], out var row))
            {
                Columns = new uint[row.Count];
                var i = 0;
                foreach (var field in row)
                    Columns[i++] = field.TypeOid;
            }
            return forward;
        }
    }
}
