using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Execution.Gathering;

/// <summary>
/// One shard's end of a gather: takes the rows of COPY … TO STDOUT as they arrive and puts them, undecoded, behind what
/// other shards have sent, as the data of one COPY … FROM STDIN. In the binary format every shard's header and trailer
/// are left out; whoever owns the target writes one of each.
/// </summary>
/// <remarks>
/// It never waits: <see cref="Pump"/> moves what is there and says whether that was anything. It stops as soon as the
/// target holds enough, so a shard is read no faster than the target is sent.
/// </remarks>
public sealed class GatherSource
{
    // COPY's binary header (PostgreSQL documentation, COPY): signature 11, flags 4, length of the extension 4, which PostgreSQL leaves empty.
    public const int HeaderLength = 19;

    private const int ReceiveSize = 64 * 1024;

    private readonly ServerConnection _server;
    private bool _isBinary;
    private bool _headerDue;
    private bool _sawData;
    private int _remaining;

    public GatherSource(ServerConnection server) => _server = server;

    public ServerConnection Server => _server;

    /// <summary>The reply to the current COPY is in, to its ReadyForQuery.</summary>
    public bool IsDone { get; private set; } = true;

    /// <summary>Bytes of rows moved since the beginning.</summary>
    public long Bytes { get; private set; }

    /// <summary>Rows begun since the beginning.</summary>
    public long Rows { get; private set; }

    /// <summary>The first error of this shard.</summary>
    public ServerError? Error { get; private set; }

    /// <summary>The rest of a row is still to come: nobody else could follow what the shard sends.</summary>
    public bool IsInsideRow => _remaining > 0;

    /// <summary>The next COPY among the queries sent.</summary>
    public void Next(bool isBinary)
    {
        _isBinary = _headerDue = isBinary;
        _sawData = false;
        IsDone = false;
    }

    /// <param name="target">Null: the rows are of no use any more.</param>
    /// <param name="highWater">Bytes in the target at which nothing more is moved.</param>
    public bool Pump(ByteBuffer? target, int highWater)
    {
        if (!_server.Channel.Output.IsEmpty)
            _server.Channel.TryFlush();
        var moved = false;
        while (!IsDone && (target is null || target.Count < highWater))
        {
            moved |= Move(target, highWater);
            if (IsDone || target?.Count >= highWater)
                break;
            if (!_server.Channel.TryReceive(ReceiveSize))
            {
                _server.Channel.Input.Release();
                return moved;
            }
        }
        return moved;
    }

    /// <summary>Reads to the end of everything that the shard owes: true when it owes nothing.</summary>
    public bool Discard()
    {
        while (_remaining > 0 || !_server.Ledger.IsEmpty)
        {
            IsDone = false;
            Pump(null, int.MaxValue);
            if (!IsDone)
                return false;
        }
        return true;
    }

    private bool Move(ByteBuffer? target, int highWater)
    {
        var input = _server.Channel.Input;
        var moved = false;
        while (!IsDone && (target is null || target.Count < highWater))
        {
            if (_remaining > 0)
            {
                if (input.IsEmpty)
                    return moved;
                var taken = Math.Min(_remaining, input.Count);
                Write(target, input.Unread[..taken]);
                input.Consume(taken);
                _remaining -= taken;
                moved = true;
                continue;
            }
            var status = Frame.TryRead(input.Unread, _server.Channel.MaxFrameLength, out var type, out var length);
            if (status == FrameStatus.Malformed)
                throw new MalformedFrameException(_server.Channel.Connection);
            if (length == 0 || (status == FrameStatus.Incomplete && !CanStart(type, length, input.Count)))
                return moved;
            moved = true;
            if (type == BackendMessageType.CopyData && _sawData)
            {
                StartRow(input, length);
                continue;
            }
            Inspect(type, input.Unread[Frame.HeaderLength..length]);
            input.Consume(length);
        }
        return moved;
    }

    // A row may be larger than what has arrived of it; header and trailer must be there as a whole to be known.
    private bool CanStart(byte type, int length, int arrived) =>
        type == BackendMessageType.CopyData && _sawData && arrived >= Frame.HeaderLength + (_headerDue ? HeaderLength : 0) && !IsTrailerLength(length);

    private bool IsTrailerLength(int length) => _isBinary && length == Frame.HeaderLength + sizeof(short) + (_headerDue ? HeaderLength : 0);

    private void StartRow(ByteBuffer input, int length)
    {
        var isTrailer = IsTrailerLength(length) && input.Unread[(length - sizeof(short))..length].SequenceEqual<byte>([0xFF, 0xFF]);
        var skipped = Frame.HeaderLength + (_headerDue ? HeaderLength : 0) + (isTrailer ? sizeof(short) : 0);
        _headerDue = false;
        Rows += isTrailer ? 0 : 1;
        input.Consume(skipped);
        _remaining = length - skipped;
    }

    private void Inspect(byte type, ReadOnlySpan<byte> body)
    {
        switch (type)
        {
            case BackendMessageType.ParameterStatus:
                if (ParameterStatusMessage.TryRead(body, out var parameter))
                    _server.NoteParameter(parameter.Name, parameter.Value);
                return;
            case BackendMessageType.ErrorResponse:
                Error ??= ErrorResponseMessage.TryRead(body, out var error) ? ServerError.From(error.Fields) : null;
                break;
            case BackendMessageType.CopyOutResponse:
                _sawData = true;
                break;
            case BackendMessageType.ReadyForQuery:
                _server.TransactionStatus = body.Length == 1 ? body[0] : throw new MalformedFrameException(_server.Channel.Connection);
                break;
        }
        if (_server.Ledger.OnMessage(type) == Disposition.Violation)
            throw new MalformedFrameException(_server.Channel.Connection);
        // What stands before the COPY (BEGIN) has a reply of its own.
        if (type == BackendMessageType.ReadyForQuery)
            IsDone = _sawData || Error is not null || _server.Ledger.IsEmpty;
    }

    // In pieces of its own: the data of a COPY are a stream, and whoever has to give up can do so between two pieces.
    private void Write(ByteBuffer? target, ReadOnlySpan<byte> row)
    {
        if (target is null)
            return;
        CopyDataMessage.Write(target, row);
        Bytes += row.Length;
    }
}
