using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Extended;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Spreading;

/// <summary>What each shard is sent: a text with its parameters, in the extended protocol, so that each column can have a format of its own.</summary>
/// <param name="Sql">The text for the shards.</param>
public sealed record ShardStatement(ReadOnlyMemory<byte> Sql)
{
    /// <summary>Parse, Bind, Describe, Execute, Sync.</summary>
    public const int Replies = 5;

    /// <summary>The client's Bind for its statement; empty in the simple protocol.</summary>
    public ReadOnlyMemory<byte> Bind { get; init; }

    /// <summary>Parameter types as the client declared them, by the home shard's ids.</summary>
    public uint[] ParameterTypes { get; init; } = [];

    /// <summary>Types of the parameters, by the home shard's ids, where binary values may hold object ids; else empty.</summary>
    public uint[] NestedParameterTypes { get; init; } = [];

    /// <summary>Format codes of the shard's columns; null: as in <see cref="Bind"/>.</summary>
    public short[]? Formats { get; init; }

    /// <summary>Further parameters, in binary, behind those of <see cref="Bind"/>.</summary>
    public byte[][] Arrays { get; init; } = [];

    /// <summary>The portal's name on the shard.</summary>
    public byte[] Portal { get; init; } = [];

    /// <summary>Rows of the first Execute at most; 0 is no limit.</summary>
    public int MaxRows { get; init; }

    /// <summary>Writes it behind what the connection already has to send.</summary>
    public void Send(Session session, ServerConnection server)
    {
        var output = server.Channel.Output;
        var objectIds = session.ObjectIds(server.Shard);
        ParseMessage.Write(output, [], Sql.Span, Array.ConvertAll(ParameterTypes, objectIds.FromHome));
        server.PendingParses.Enqueue(null);
        server.UnnamedOwner = null;
        server.Ledger.Expect(ReplyKind.Parse, Disposition.Swallow);
        WriteBind(session, server);
        server.Ledger.Expect(ReplyKind.Bind, Disposition.Swallow);
        DescribeMessage.Write(output, PreparedKind.Portal, Portal);
        server.Ledger.Expect(ReplyKind.DescribePortal, Disposition.Swallow);
        ExecuteMessage.Write(output, Portal, MaxRows);
        server.Ledger.Expect(ReplyKind.Execute, Disposition.Swallow);
        server.SendSync(Disposition.Swallow);
    }

    private void WriteBind(Session session, ServerConnection server)
    {
        var output = server.Channel.Output;
        var before = output.Count;
        var isBound = BindMessage.TryRead(Bind.Span, out var bind);
        if (Arrays.Length > 0)
        {
            WriteArrays(output, bind, isBound);
            return;
        }
        if (!isBound)
        {
            BindMessage.Write(output, Portal, [], [], [], Formats ?? []);
            return;
        }
        if (Formats is null)
            BindMessage.WriteRenamed(output, bind, Portal, []);
        else
            BindMessage.WriteReformatted(output, bind, Portal, [], Formats);
        if (NestedParameterTypes.Length > 0 && session.ObjectIds(server.Shard) is { IsIdentity: false } objectIds)
        {
            var nested = Array.ConvertAll(NestedParameterTypes, type => objectIds.HoldsObjectIds(type) ? objectIds.FromHome(type) : 0);
            NestedTypesLookup.Translate(output, output.Count - before, nested, objectIds);
        }
    }

    private void WriteArrays(ByteBuffer output, in BindMessage bind, bool isBound)
    {
        var count = isBound ? bind.ParameterCount : 0;
        var values = new byte[]?[count + Arrays.Length];
        var formats = new short[values.Length];
        for (var i = 0; i < count; i++)
        {
            bind.TryGetParameter(i, out var value, out var isNull);
            values[i] = isNull ? null : value.ToArray();
            formats[i] = bind.ParameterFormat(i);
        }
        for (var i = 0; i < Arrays.Length; i++)
        {
            values[count + i] = Arrays[i];
            formats[count + i] = 1;
        }
        BindMessage.Write(output, Portal, [], formats, values, Formats ?? []);
    }
}
