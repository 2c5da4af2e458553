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
public class ShardCursor(Session session, ServerConnection server, byte[] portal, int portion) : IRowSource, IReplyTap
{
    /// <summary>Bytes of a portion, roughly: large rows come fewer at a time.</summary>
    private const int LargestPortion = 256 * 1024;

    private const int FirstPortion = 50;

    private readonly ByteBuffer _rows = new();
    private int _keptRows;
    private long _keptBytes;
    private int _frameLength;
    private uint[] _nested = [];
    private bool _hasBegun;
    private bool _isDescribed;
    private bool _hasEnded;

    public ServerConnection Server => server;

    /// <summary>The RowDescription, header included, with the home shard's object ids; empty before the first portion, or for a statement without rows.</summary>
    public byte[] Description { get; private set; } = [];

    /// <summary>No row is here, and the shard has more.</summary>
    public virtual bool IsEmpty => !_hasEnded && _rows.Count == _frameLength;

    public ReadOnlySpan<byte> Frame => _rows.Unread[.._frameLength];

    public virtual RowState TryNext()
    {
        _rows.Consume(_frameLength);
        _frameLength = 0;
        if (_rows.IsEmpty)
            return _hasEnded ? RowState.End : RowState.Pending;
        Protocol.Framing.Frame.TryRead(_rows.Unread, int.MaxValue, out _, out _frameLength);
        return RowState.Row;
    }

    /// <summary>Rows that the next portion is to have.</summary>
    public int Portion { get; set; } = portion;

    protected byte[] Portal => portal;

    /// <summary>A row is here: the one that was gone on to last, or one that nobody has gone on to yet.</summary>
    protected bool HoldsRow => !_rows.IsEmpty;

    /// <summary>Asks for the next portion.</summary>
    public void Ask()
    {
        // How large rows are, the portion before has shown.
        var rows = _keptRows == 0 ? Math.Min(Portion, FirstPortion) : (int)Math.Clamp(LargestPortion / Math.Max(1, _keptBytes / _keptRows), 1, Portion);
        _keptRows = 0;
        _keptBytes = 0;
        WriteAsk(rows);
        server.SendSync(Disposition.Swallow);
    }

    /// <summary>Writes what asks for so many rows.</summary>
    protected virtual void WriteAsk(int rows)
    {
        ExecuteMessage.Write(server.Channel.Output, portal, rows);
        server.Ledger.Expect(ReplyKind.Execute, Disposition.Swallow);
    }

    /// <summary>Whether a CommandComplete behind the description says that there are no more rows.</summary>
    protected virtual bool IsLast(ReadOnlySpan<byte> body) => true;

    /// <summary>Frees the portal before the transaction's end would.</summary>
    public virtual void Close()
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
            // What the connection owed before (BEGIN, a lock) was sent in the simple way.
            case BackendMessageType.ParseComplete:
                _hasBegun = true;
                break;
            case BackendMessageType.RowDescription when _hasBegun:
                Describe(frame.ToArray());
                break;
            case BackendMessageType.NoData when _hasBegun:
                _isDescribed = true;
                break;
            case BackendMessageType.DataRow when _hasBegun:
                Keep(frame);
                break;
            case BackendMessageType.CommandComplete when _isDescribed:
                _hasEnded = IsLast(frame[Protocol.Framing.Frame.HeaderLength..]);
                break;
            case BackendMessageType.EmptyQueryResponse when _isDescribed:
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
        _keptRows++;
        _keptBytes += frame.Length;
        _rows.Write(frame);
        if (_nested.Length > 0)
            NestedObjectIds.RowToHome(_rows.UnreadMutable[(at + Protocol.Framing.Frame.HeaderLength)..], _nested, ObjectIds);
    }
}
