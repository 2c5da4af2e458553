using ShardProxy.Catalog;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Execution;

/// <summary>
/// Moves a server's replies to the client as bytes: whole runs of messages in one send, straight from the buffer they
/// arrived in. Only message headers are read; rows are not even complete when they go on. What to forward, to swallow
/// and to make up is the server's ledger's to say.
/// </summary>
/// <remarks>
/// One relay belongs to one client session and is pointed at one server at a time. <see cref="Pump"/> does what can be
/// done without waiting and says what it waits for; the session's loop owns the waiting.
/// </remarks>
public sealed class ReplyRelay
{
    /// <summary>Bytes kept for a client that does not read before the server is no longer read from.</summary>
    public const int ClientHighWater = 256 * 1024;

    private const int LargeReceive = 128 * 1024;

    private static readonly Dictionary<string, string> NothingReported = [];

    private readonly FrameChannel _client;
    private Dictionary<string, string>? _heldParameters;
    private Dictionary<string, string>? _ownReported;
    private ServerConnection _server = null!;
    private ObjectIdMap _objectIds = ObjectIdMap.Identity;
    private int _bulkRemaining;
    private bool _bulkForward;
    private uint[] _rowTypes = [];
    private int _rowTypeCount;
    private int _receiveHint = ByteBuffer.MinimumCapacity;

    public ReplyRelay(FrameChannel client) => _client = client;

    /// <summary>An ErrorResponse went to the client since <see cref="Start"/>.</summary>
    public bool ErrorSeen { get; private set; }

    /// <summary>The first error among the swallowed replies since <see cref="Start"/>.</summary>
    public ServerError? SwallowedError { get; private set; }

    /// <summary>The proxy itself has cancelled what runs: the server's 57014 reaches the client as this. Kept over <see cref="Start"/> until it was used or is taken back.</summary>
    public ServerError? CancelMeans { get; set; }

    /// <summary>The error with which the server ended its session; it is not forwarded, because the client's goes on.</summary>
    public ServerError? FatalError { get; private set; }

    /// <summary>ReadyForQuery is the session's to write; the rest is kept for its send unless it is large.</summary>
    public bool HoldReady { get; set; }

    /// <summary>Characters of the client's text that stand before the statement sent; added to an error's position.</summary>
    public int PositionOffset { get; set; }

    public IReplyTap? Tap { get; set; }

    /// <summary>
    /// Several portals may be described and executed before this is started anew, so a description says nothing of the rows
    /// that follow it; whoever executes says it with <see cref="TranslateRows"/>.
    /// </summary>
    public bool KeepsRowTypes { get; set; }

    /// <summary>Settings that a swallowed reply reports are the client's all the same: what COMMIT and ROLLBACK change.</summary>
    public bool HearsParameters { get; set; }

    /// <summary>What the client was told last by ParameterStatus.</summary>
    public IReadOnlyDictionary<string, string> Reported { get; private set; } = NothingReported;

    /// <summary>Row descriptions are dropped: the reply to an Execute has none. Stays as set over <see cref="Start"/>.</summary>
    public bool DropsRowDescription { get; set; }

    /// <summary>ReadyForQuery messages since <see cref="Start"/>.</summary>
    public int ReadyCount { get; private set; }

    /// <summary>The client has a part of a message whose rest has not come: nothing else can be said to it now.</summary>
    public bool IsInsideMessage => _bulkRemaining > 0 && _bulkForward;

    /// <summary>ParseComplete messages that the client was sent, since the session began.</summary>
    public int ParsesConfirmed { get; private set; }

    /// <summary>BindComplete messages that the client was sent, since the session began.</summary>
    public int BindsConfirmed { get; private set; }

    /// <summary>What the error answered that came last.</summary>
    public ReplyKind FailedKind { get; private set; }

    /// <summary>Executes that stopped at their row limit, since the session began.</summary>
    public int PortalsSuspended { get; private set; }

    /// <param name="objectIds">The shard's object ids against the home shard's.</param>
    public void Start(ServerConnection server, ObjectIdMap objectIds, bool holdReady = false)
    {
        _server = server;
        _objectIds = objectIds;
        _bulkRemaining = 0;
        ErrorSeen = false;
        SwallowedError = null;
        FatalError = null;
        HoldReady = holdReady;
        PositionOffset = 0;
        Tap = null;
        KeepsRowTypes = false;
        HearsParameters = false;
        ReadyCount = 0;
        _rowTypeCount = 0;
    }

    /// <summary>Rows until the next <see cref="Start"/> have these types on the shard; 0 for columns that hold no object ids.</summary>
    public void TranslateRows(ReadOnlySpan<uint> types)
    {
        if (_rowTypes.Length < types.Length)
            _rowTypes = new uint[types.Length];
        types.CopyTo(_rowTypes);
        _rowTypeCount = types.Length;
    }

    public RelayStatus Pump()
    {
        var input = _server.Channel.Input;
        if (!_server.Channel.Output.IsEmpty)
            _server.Channel.TryFlush();
        while (true)
        {
            if (_client.Output.Count > ClientHighWater && !_client.TryFlush() && _client.Output.Count > ClientHighWater)
                return RelayStatus.WantClient;
            var copyIn = Scan(input);
            if (copyIn || _server.Ledger.IsEmpty)
            {
                if (copyIn || !HoldReady)
                    _client.TryFlush();
                return copyIn ? RelayStatus.CopyIn : RelayStatus.Done;
            }
            var before = input.Count;
            var room = input.GetSpan(_receiveHint).Length;
            if (!_server.Channel.TryReceive(_receiveHint))
            {
                input.Release();
                _client.TryFlush();
                return RelayStatus.WantServer;
            }
            // A receive that filled its room announces a large result: larger receives mean fewer calls.
            _receiveHint = input.Count - before == room ? LargeReceive : _receiveHint;
        }
    }

    /// <summary>Takes what a server that owes nothing has sent all the same: notifications, notices, parameter changes.</summary>
    public void PumpAsynchronous()
    {
        while (_server.Channel.TryReceive())
            Scan(_server.Channel.Input);
        Scan(_server.Channel.Input);
        _client.TryFlush();
    }

    // Returns true when the server waits for COPY data. Consumes every message that can be dealt with.
    private bool Scan(ByteBuffer input)
    {
        var data = input.UnreadMutable;
        var position = 0;
        var runStart = 0;
        var copyIn = false;
        while (!copyIn)
        {
            if (_bulkRemaining > 0)
            {
                var taken = Math.Min(_bulkRemaining, data.Length - position);
                if (!_bulkForward)
                {
                    Stage(data[runStart..position]);
                    runStart = position + taken;
                }
                position += taken;
                _bulkRemaining -= taken;
                if (_bulkRemaining > 0)
                    break;
                continue;
            }
            if (_server.Ledger.TryTakeMadeUp(out var madeUp))
            {
                Stage(data[runStart..position]);
                runStart = position;
                WriteMadeUp(madeUp);
                continue;
            }
            var status = Frame.TryRead(data[position..], _server.Channel.MaxFrameLength, out var type, out var length);
            if (status == FrameStatus.Malformed)
                throw new MalformedFrameException(_server.Channel.Connection);
            var isBulk = type == BackendMessageType.CopyData || (type == BackendMessageType.DataRow && _rowTypeCount == 0);
            if (status == FrameStatus.Incomplete && (length == 0 || !isBulk || Tap is not null))
                break;
            var forward = Decide(type) == Disposition.Forward;
            if (isBulk && Tap is null)
            {
                _bulkRemaining = length;
                _bulkForward = forward;
                continue;
            }
            var frame = data.Slice(position, length);
            if (Tap is not null || PositionOffset != 0 || CancelMeans is not null)
            {
                // Both may write to the client themselves, so what stands before must be there first.
                Stage(data[runStart..position]);
                runStart = position;
            }
            forward = Inspect(type, frame, forward, ref copyIn);
            if (Tap is { } tap)
                forward = tap.OnMessage(type, frame, forward);
            if (!forward)
            {
                Stage(data[runStart..position]);
                runStart = position + length;
            }
            position += length;
        }
        Send(data[runStart..position]);
        input.Consume(position);
        return copyIn;
    }

    private Disposition Decide(byte type)
    {
        // Settings that the proxy applies by itself are none of the client's news.
        if (type == BackendMessageType.ParameterStatus && _server.Pool.HasOwnSettings)
            return Disposition.Swallow;
        if (type == BackendMessageType.ParameterStatus)
            return _server.Ledger.TryPeek(out _, out var head) && head == Disposition.Swallow && !HearsParameters ? Disposition.Swallow : Disposition.Forward;
        if (type == BackendMessageType.ErrorResponse)
            FailedKind = _server.Ledger.TryPeek(out var kind, out _) ? kind : default;
        var disposition = _server.Ledger.OnMessage(type);
        return disposition != Disposition.Violation ? disposition : throw new MalformedFrameException(_server.Channel.Connection);
    }

    private bool Inspect(byte type, Span<byte> frame, bool forward, ref bool copyIn)
    {
        var body = frame[Frame.HeaderLength..];
        switch (type)
        {
            case BackendMessageType.ReadyForQuery:
                _server.TransactionStatus = body.Length == 1 ? body[0] : throw new MalformedFrameException(_server.Channel.Connection);
                ReadyCount++;
                return forward && !HoldReady;
            case BackendMessageType.ParseComplete:
                _server.ConfirmParse();
                ParsesConfirmed += forward ? 1 : 0;
                return forward;
            case BackendMessageType.BindComplete:
                BindsConfirmed += forward ? 1 : 0;
                return forward;
            case BackendMessageType.CloseComplete:
                if (!forward)
                    _server.ConfirmClose();
                return forward;
            case BackendMessageType.RowDescription:
                if (forward && !_objectIds.IsIdentity)
                {
                    if (!KeepsRowTypes)
                        NoteRowTypes(body);
                    ObjectIdTranslation.RowDescriptionToHome(body, _objectIds);
                }
                return forward && !DropsRowDescription;
            case BackendMessageType.DataRow:
                if (forward && _rowTypeCount > 0)
                    NestedObjectIds.RowToHome(body, _rowTypes.AsSpan(0, _rowTypeCount), _objectIds);
                return forward;
            case BackendMessageType.ParameterDescription:
                if (forward && !_objectIds.IsIdentity)
                    ObjectIdTranslation.ParameterDescriptionToHome(body, _objectIds);
                return forward;
            case BackendMessageType.ErrorResponse:
                return OnError(body, forward);
            case BackendMessageType.ParameterStatus:
                if (ParameterStatusMessage.TryRead(body, out var parameter))
                    NoteParameter(parameter.Name, parameter.Value, forward);
                return forward && !HoldReady;
            case BackendMessageType.CopyInResponse:
                copyIn = true;
                return forward;
            case BackendMessageType.PortalSuspended:
                PortalsSuspended += forward ? 1 : 0;
                return forward;
            default:
                return forward;
        }
    }

    private void NoteParameter(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool forward)
    {
        _server.NoteParameter(name, value);
        if (!forward)
            return;
        var (nameText, valueText) = (System.Text.Encoding.UTF8.GetString(name), System.Text.Encoding.UTF8.GetString(value));
        if (HoldReady)
            HoldParameter(nameText, valueText);
        else
            NoteReported(nameText, valueText);
    }

    /// <summary>What a login tells, shared with other sessions that were told the same.</summary>
    public void NoteReported(IReadOnlyDictionary<string, string> all)
    {
        Reported = all;
        _ownReported = null;
    }

    /// <summary>The client is told so now.</summary>
    public void NoteReported(string name, string value)
    {
        if (Reported.TryGetValue(name, out var told) && told == value)
            return;
        if (_ownReported is null)
            Reported = _ownReported = new Dictionary<string, string>(Reported, StringComparer.Ordinal);
        _ownReported[name] = value;
    }

    /// <summary>As if a server had reported it.</summary>
    public void HoldParameter(string name, string value) => (_heldParameters ??= new(StringComparer.Ordinal))[name] = value;

    /// <summary>What was reported since the last ReadyForQuery is undone.</summary>
    public void DropHeldParameters() => _heldParameters?.Clear();

    /// <summary>Tells the client of the settings that have changed since it was told last: PostgreSQL does so just before ReadyForQuery.</summary>
    public void WriteHeldParameters()
    {
        if (_heldParameters is null)
            return;
        foreach (var (name, value) in _heldParameters)
        {
            if (Reported.TryGetValue(name, out var told) && told == value)
                continue;
            NoteReported(name, value);
            ParameterStatusMessage.Write(_client.Output, name, value);
        }
        _heldParameters.Clear();
    }

    // Before the description is translated.
    private void NoteRowTypes(ReadOnlySpan<byte> body)
    {
        _rowTypeCount = 0;
        var count = ObjectIdTranslation.CountNestedColumns(body, _objectIds);
        if (count == 0)
            return;
        if (_rowTypes.Length < count)
            _rowTypes = new uint[count];
        _rowTypeCount = count;
        ObjectIdTranslation.ReadNestedColumns(body, _objectIds, _rowTypes.AsSpan(0, count));
    }

    private bool OnError(ReadOnlySpan<byte> body, bool forward)
    {
        _server.ForgetUnconfirmed();
        if (!ErrorResponseMessage.TryRead(body, out var message))
            throw new MalformedFrameException(_server.Channel.Connection);
        var error = ServerError.From(message.Fields);
        var isReworded = CancelMeans is not null && error.SqlState == SqlStates.QueryCanceled;
        if (isReworded)
        {
            error = CancelMeans!;
            CancelMeans = null;
        }
        if (error.IsFatal)
        {
            FatalError = error;
            return false;
        }
        if (!forward)
        {
            SwallowedError ??= error;
            return false;
        }
        ErrorSeen = true;
        if (!isReworded && (PositionOffset == 0 || error.Position is null))
            return true;
        (error with { Position = error.Position + PositionOffset }).WriteError(_client.Output);
        return false;
    }

    private void WriteMadeUp(ReplyKind kind)
    {
        switch (kind)
        {
            case ReplyKind.Parse:
                ParseCompleteMessage.Write(_client.Output);
                ParsesConfirmed++;
                break;
            case ReplyKind.Bind:
                BindCompleteMessage.Write(_client.Output);
                BindsConfirmed++;
                break;
            case ReplyKind.Close:
                CloseCompleteMessage.Write(_client.Output);
                break;
            default:
                throw new InvalidOperationException($"A reply to {kind} cannot be made up.");
        }
    }

    // Behind what is waiting already, and without a system call.
    private void Stage(ReadOnlySpan<byte> run)
    {
        if (run.IsEmpty)
            return;
        _client.Output.Write(run);
    }

    // The end of what has arrived: straight from the server's buffer when nothing waits before it.
    private void Send(ReadOnlySpan<byte> run)
    {
        if (run.IsEmpty)
            return;
        if (_client.Output.IsEmpty && !(HoldReady && run.Length < LargeReceive))
        {
            var sent = _client.Connection.TrySend(run);
            if (sent < 0)
                throw new PeerClosedException(_client.Connection);
            run = run[sent..];
        }
        if (!run.IsEmpty)
            _client.Output.Write(run);
    }
}
