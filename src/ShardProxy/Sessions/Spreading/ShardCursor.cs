using ShardProxy.Catalog;
using ShardProxy.Execution;
using ShardProxy.Merging;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Spreading;

/// <summary>
/// One shard's portal, whose rows are fetched in portions and kept here: between two portions the connection owes nothing
/// and can serve the client's other statements.
/// </summary>
public sealed class ShardCursor(Session session, ServerConnection server, byte[] portal, int portion) : IRowSource, IReplyTap
{
    private readonly ByteBuffer _rows = new();
    private int _frameLength;
    private uint[] _nested = [];
    private bool _isDescribed;
    private bool _hasEnded;

    public ServerConnection Server => server;

    /// <summary>The RowDescription, header included, with the home shard's object ids; empty before the first portion, or for a statement without rows.</summary>
    public byte[] Description { get; private set; } = [];

    /// <summary>No row is here, and the shard has more.</summary>
    public bool IsEmpty => !_hasEnded && _rows.Count == _frameLength;

    public ReadOnlySpan<byte> Frame => _rows.Unread[.._frameLength];

    public RowState TryNext()
    {
        _rows.Consume(_frameLength);
        _frameLength = 0;
        if (_rows.IsEmpty)
            return _hasEnded ? RowState.End : RowState.Pending;
        Protocol.Framing.Frame.TryRead(_rows.Unread, int.MaxValue, out _, out _frameLength);
        return RowState.Row;
    }

    /// <summary>Asks for the next portion.</summary>
    public void Ask()
    {
        ExecuteMessage.Write(server.Channel.Output, portal, portion);
        server.Ledger.Expect(ReplyKind.Execute, Disposition.Swallow);
        server.SendSync(Disposition.Swallow);
    }

    /// <summary>Frees the portal before the transaction's end would.</summary>
    public void Close()
    {
        _rows.Release();
        CloseMessage.Write(server.Channel.Output, PreparedKind.Portal, portal);
        server.Ledger.Expect(ReplyKind.Close, Disposition.Swallow);
        server.SendSync(Disposition.Swallow);
    }

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        switch (type)
        {
            case BackendMessageType.RowDescription:
                Describe(frame.ToArray());
                break;
            case BackendMessageType.NoData:
                _isDescribed = true;
                break;
            case BackendMessageType.DataRow:
                Keep(frame);
                break;
            // What the connection owed before (BEGIN) ends without a description.
            case BackendMessageType.CommandComplete or BackendMessageType.EmptyQueryResponse when _isDescribed:
                _hasEnded = true;
                break;
            case BackendMessageType.NoticeResponse when !forward:
                session.Client.Output.Write(frame);
                break;
        }
        return forward;
    }

    private ObjectIdMap ObjectIds => session.ObjectIds(server.Shard);

    private void Describe(byte[] frame)
    {
        var body = frame.AsSpan(Protocol.Framing.Frame.HeaderLength);
        if (!ObjectIds.IsIdentity)
        {
            _nested = new uint[ObjectIdTranslation.CountNestedColumns(body, ObjectIds)];
            ObjectIdTranslation.ReadNestedColumns(body, ObjectIds, _nested);
            ObjectIdTranslation.RowDescriptionToHome(body, ObjectIds);
        }
        Description = frame;
        _isDescribed = true;
    }

    private void Keep(ReadOnlySpan<byte> frame)
    {
        var at = _rows.Count;
        _rows.Write(frame);
        if (_nested.Length > 0)
            NestedObjectIds.RowToHome(_rows.UnreadMutable[(at + Protocol.Framing.Frame.HeaderLength)..], _nested, ObjectIds);
    }
}
