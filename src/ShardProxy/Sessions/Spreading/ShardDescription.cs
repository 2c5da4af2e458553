using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Extended;

namespace ShardProxy.Sessions.Spreading;

/// <summary>What a shard says of a statement before it runs, by the home shard's object ids.</summary>
/// <param name="Frame">The RowDescription message; empty for a statement without rows.</param>
public sealed record ShardDescription(uint[] ParameterTypes, uint[] ColumnTypes, byte[] Frame)
{
    /// <param name="parameterTypes">By the home shard's ids.</param>
    public static async ValueTask<ShardDescription> AskAsync(Session session, int shard, ReadOnlyMemory<byte> sql, uint[] parameterTypes)
    {
        var server = await session.Servers.GetAsync(shard);
        var objectIds = session.ObjectIds(shard);
        ExtendedUnit.WriteUnnamed(server, sql.Span, Array.ConvertAll(parameterTypes, objectIds.FromHome), Disposition.Swallow);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, []);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        server.SendSync(Disposition.Swallow);
        var tap = new Tap();
        await session.DrainAsync(server, tap);
        Running.Aftermath.FollowServer(session, server);
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        if (!objectIds.IsIdentity && tap.Frame.Length > 0)
            ObjectIdTranslation.RowDescriptionToHome(tap.Frame.AsSpan(Protocol.Framing.Frame.HeaderLength), objectIds);
        return new ShardDescription(Array.ConvertAll(tap.Parameters, objectIds.ToHome), TypesOf(tap.Frame), tap.Frame);
    }

    /// <summary>The columns' types in a RowDescription message.</summary>
    public static uint[] TypesOf(byte[] frame)
    {
        if (frame.Length == 0 || !RowDescriptionMessage.TryRead(frame.AsSpan(Protocol.Framing.Frame.HeaderLength), out var description))
            return [];
        var types = new uint[description.Count];
        var index = 0;
        foreach (var field in description)
            types[index++] = field.TypeOid;
        return types;
    }

    private sealed class Tap : IReplyTap
    {
        public uint[] Parameters { get; private set; } = [];

        public byte[] Frame { get; private set; } = [];

        public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
        {
            if (type == BackendMessageType.RowDescription)
                Frame = frame.ToArray();
            if (type == BackendMessageType.ParameterDescription && ParameterDescriptionMessage.TryRead(frame[Protocol.Framing.Frame.HeaderLength..], out var parameters))
            {
                Parameters = new uint[parameters.Count];
                for (var index = 0; index < Parameters.Length; index++)
                    Parameters[index] = parameters.GetType(index);
            }
            return forward;
        }
    }
}
