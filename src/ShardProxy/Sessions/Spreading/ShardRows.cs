using ShardProxy.Catalog;
using ShardProxy.Execution;
using ShardProxy.Merging;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Uniqueness;
using ShardProxy.Transport;

namespace ShardProxy.Sessions.Spreading;

/// <summary>
/// The replies of one shard to a statement that runs on several: its rows are pulled one by one, and nothing is received
/// while nobody pulls. A row stays in the connection's buffer until the next is asked for.
/// </summary>
/// <remarks>
/// The statement's replies are the last that the connection owes. What it owes before them (the block's BEGIN) is passed
/// over; an error in there is the statement's.
/// </remarks>
public sealed class ShardRows : IRowSource
{
    private const int LargeReceive = 128 * 1024;

    private readonly Session _session;
    private readonly int _replies;
    private int _frameLength;
    private int _receiveHint = ByteBuffer.MinimumCapacity;
    private uint[] _nested = [];
    private ServerError? _farewell;

    /// <param name="replies">How many replies of the connection's ledger are the statement's.</param>
    public ShardRows(Session session, ServerConnection server, int replies)
    {
        _session = session;
        Server = server;
        _replies = replies;
    }

    public ServerConnection Server { get; }

    /// <summary>Who takes what the shard reports of entries of global indexes.</summary>
    internal EntryLog? Entries { get; init; }

    /// <summary>The RowDescription, header included, with the home shard's object ids; empty before it has come, or for a statement without rows.</summary>
    public byte[] Description { get; private set; } = [];

    /// <summary>The description has come, or there is none.</summary>
    public bool IsDescribed { get; private set; }

    /// <summary>Rows that the statement has touched, by its tag; known once it has ended.</summary>
    public long AffectedCount { get; private set; }

    /// <summary>The last row was passed on.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>When the last row had come, as <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/> gives it; 0 before.</summary>
    public long EndedAt { get; private set; }

    /// <summary>DataRow messages received, and their bytes.</summary>
    public long RowCount { get; private set; }

    public long ByteCount { get; private set; }

    public ReadOnlySpan<byte> Frame => Server.Channel.Input.Unread[.._frameLength];

    public RowState TryNext()
    {
        Release();
        if (HasEnded)
            return RowState.End;
        while (TryFrame(out var type, out var length))
        {
            if (!IsOwn())
            {
                Digest(type, length);
                continue;
            }
            if (type == BackendMessageType.DataRow)
            {
                Decide(type);
                if (_nested.Length > 0)
                    NestedObjectIds.RowToHome(Server.Channel.Input.UnreadMutable[Protocol.Framing.Frame.HeaderLength..length], _nested, ObjectIds);
                RowCount++;
                ByteCount += length;
                _frameLength = length;
                return RowState.Row;
            }
            Digest(type, length);
            if (HasEnded)
                return RowState.End;
        }
        return RowState.Pending;
    }

    /// <summary>Takes what comes before the first row; true once <see cref="IsDescribed"/>.</summary>
    public bool TryDescribe()
    {
        while (!IsDescribed && TryFrame(out var type, out var length))
            Digest(type, length);
        return IsDescribed;
    }

    /// <summary>Takes what comes before the first row, which stays; true when it is there, or when there is none.</summary>
    public bool TryReachRows()
    {
        while (!HasEnded && TryFrame(out var type, out var length))
        {
            if (type == BackendMessageType.DataRow && IsOwn())
                return true;
            Digest(type, length);
        }
        return HasEnded;
    }

    /// <summary>
    /// An error is what comes next: whoever waits for another shard would wait in vain. A row that comes next stays where it is,
    /// so that no more than what the buffer has room for is received.
    /// </summary>
    public bool FailsNext() =>
        _frameLength == 0 && !HasEnded && IsDescribed && TryFrame(out var type, out _) && type == BackendMessageType.ErrorResponse;

    /// <summary>The row pulled last goes out of the buffer.</summary>
    public void Release()
    {
        Server.Channel.Input.Consume(_frameLength);
        _frameLength = 0;
    }

    private ObjectIdMap ObjectIds => _session.ObjectIds(Server.Shard);

    private bool IsOwn() => Server.Ledger.Count <= _replies;

    private bool TryFrame(out byte type, out int length)
    {
        var channel = Server.Channel;
        try
        {
            while (true)
            {
                if (!channel.Output.IsEmpty)
                    channel.TryFlush();
                var status = Protocol.Framing.Frame.TryRead(channel.Input.Unread, channel.MaxFrameLength, out type, out length);
                if (status == FrameStatus.Complete)
                    return true;
                if (status == FrameStatus.Malformed)
                    throw new MalformedFrameException(channel.Connection);
                var before = channel.Input.Count;
                var hint = Math.Max(_receiveHint, Math.Min(length - before, LargeReceive));
                var room = channel.Input.GetSpan(hint).Length;
                if (!channel.TryReceive(hint))
                    return false;
                // A receive that filled its room announces a large result.
                if (channel.Input.Count - before == room)
                    _receiveHint = LargeReceive;
            }
        }
        catch (IOException exception) when (exception is PeerClosedException or MalformedFrameException)
        {
            throw new ServerLostException(Server, _farewell, exception);
        }
    }

    private void Decide(byte type)
    {
        if (Server.Ledger.OnMessage(type) == Disposition.Violation)
            throw new ServerLostException(Server, null, new MalformedFrameException(Server.Channel.Connection));
    }

    private void Digest(byte type, int length)
    {
        var isOwn = IsOwn();
        var frame = Server.Channel.Input.UnreadMutable[..length];
        if (type != BackendMessageType.ParameterStatus)
            Decide(type);
        try
        {
            Digest(type, frame, isOwn);
        }
        finally
        {
            Server.Channel.Input.Consume(length);
        }
    }

    private void Digest(byte type, Span<byte> frame, bool isOwn)
    {
        var body = frame[Protocol.Framing.Frame.HeaderLength..];
        switch (type)
        {
            case BackendMessageType.ReadyForQuery when body.Length == 1:
                Server.TransactionStatus = body[0];
                break;
            case BackendMessageType.ParseComplete:
                Server.ConfirmParse();
                break;
            case BackendMessageType.CloseComplete:
                Server.ConfirmClose();
                break;
            case BackendMessageType.RowDescription when isOwn:
                Describe(frame);
                break;
            case BackendMessageType.NoData:
                IsDescribed = true;
                break;
            case BackendMessageType.CommandComplete when isOwn:
                if (CommandCompleteMessage.TryRead(body, out var complete) && complete.TryGetRowCount(out var affected))
                    AffectedCount = affected;
                HasEnded = true;
                break;
            case BackendMessageType.EmptyQueryResponse or BackendMessageType.PortalSuspended when isOwn:
                HasEnded = true;
                EndedAt = System.Diagnostics.Stopwatch.GetTimestamp();
                break;
            case BackendMessageType.ParameterStatus when ParameterStatusMessage.TryRead(body, out var parameter):
                Server.NoteParameter(parameter.Name, parameter.Value);
                break;
            case BackendMessageType.NotificationResponse:
                _session.Client.Output.Write(frame);
                break;
            case BackendMessageType.NoticeResponse when isOwn:
                if (Entries?.TryTake(Server.Shard, frame) != true)
                    _session.Client.Output.Write(frame);
                break;
            case BackendMessageType.ErrorResponse:
                Fail(body);
                break;
        }
    }

    private void Describe(Span<byte> frame)
    {
        var body = frame[Protocol.Framing.Frame.HeaderLength..];
        var objectIds = ObjectIds;
        if (!objectIds.IsIdentity)
        {
            _nested = new uint[ObjectIdTranslation.CountNestedColumns(body, objectIds)];
            ObjectIdTranslation.ReadNestedColumns(body, objectIds, _nested);
            ObjectIdTranslation.RowDescriptionToHome(body, objectIds);
        }
        Description = frame.ToArray();
        IsDescribed = true;
    }

    private void Fail(ReadOnlySpan<byte> body)
    {
        Server.ForgetUnconfirmed();
        Server.UnnamedOwner = null;
        if (!ErrorResponseMessage.TryRead(body, out var message))
            throw new ServerLostException(Server, null, new MalformedFrameException(Server.Channel.Connection));
        var error = ServerError.From(message.Fields);
        HasEnded = true;
        IsDescribed = true;
        if (error.IsFatal)
        {
            // Its connection ends; that is what tells.
            _farewell = error;
            throw new ServerLostException(Server, error, null);
        }
        if (error.SqlState == SqlStates.QueryCanceled && _session.Relay.CancelMeans is { } reason)
        {
            _session.Relay.CancelMeans = null;
            throw new SqlErrorException(reason);
        }
        throw new SqlErrorException(error);
    }
}
