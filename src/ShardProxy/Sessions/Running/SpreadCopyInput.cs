using ShardProxy.Execution;
using ShardProxy.Execution.Copying;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Drawing;
using ShardProxy.Sessions.Uniqueness;
using ShardProxy.Transport;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// One COPY FROM STDIN on all shards at once. The client is asked for data when every shard is ready for them, and is read
/// no faster than the slowest shard takes its part.
/// </summary>
internal sealed class SpreadCopyInput : IReplyTap
{
    private const int ServerHighWater = 1024 * 1024;

    private readonly Session _session;
    private readonly CopyPlan _plan;
    private readonly ServerConnection[] _servers;
    private CopySplitter? _splitter;
    private byte[] _response = [];
    private long _rows;
    private int _remaining;
    private bool _clientEnded;
    private int _watched;

    public SpreadCopyInput(Session session, CopyPlan plan, ServerConnection[] servers)
    {
        _session = session;
        _plan = plan;
        _servers = servers;
    }

    /// <summary>Who takes what the shards report of entries of global indexes; null when they report none.</summary>
    public EntryLog? Entries { get; init; }

    /// <summary>The fields of the plan's clocked columns, as they stand behind each row's own.</summary>
    public byte[] Times { get; init; } = [];

    /// <summary>Puts every shard into copy mode, then tells the client to send.</summary>
    public async ValueTask StartAsync(StatementText text)
    {
        string[] added = [.. _plan.Drawn.Select(static column => column.Name), .. _plan.Clocked.Select(static column => column.Name)];
        var sql = added.Length == 0 ? text.Bytes.ToArray() : CopyText.AddColumns(text.Bytes, added);
        foreach (var server in _servers)
        {
            server.SendQuery(sql, Disposition.Swallow);
            _session.Flush(server);
        }
        foreach (var server in _servers)
        {
            Watch(server);
            if (await _session.PumpAsync(server) == RelayStatus.CopyIn)
                server.IsTakingCopyData = true;
            else
                throw Failure(text);
        }
        if (_plan.KeyType is not null)
            _splitter = CreateSplitter();
        _session.Relay.Tap = null;
        _session.Client.Output.Write(added.Length == 0 ? _response : CopyText.WithoutColumns(_response, added.Length));
    }

    /// <summary>Takes the client's data to their end.</summary>
    public async ValueTask MoveAsync()
    {
        while (!_clientEnded)
        {
            FlushServers();
            foreach (var server in _servers)
                ThrowIfFailed(server);
            if (_splitter is { IsFull: true })
                await PlaceAsync(_splitter);
            await DrawAsync();
            if (IsBackedUp() || (!TakeInput() && !TryReceive()))
            {
                if (_splitter is { IsHolding: true })
                {
                    await PlaceAsync(_splitter);
                    continue;
                }
                _session.Client.TryFlush();
                foreach (var server in _servers)
                    server.Channel.Connection.Interest = server.Channel.Output.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;
                await _session.WaitAsync();
            }
        }
    }

    /// <summary>Ends the data on every shard: the number of rows stored.</summary>
    public async ValueTask<long> CompleteAsync()
    {
        if (_splitter is not null)
        {
            await DrawAsync();
            _splitter.End();
            ThrowIfSplitFailed();
            await PlaceAsync(_splitter);
            _splitter.Complete();
            ThrowIfSplitFailed();
        }
        foreach (var server in _servers)
        {
            CopyDoneMessage.Write(server.Channel.Output);
            EndData(server);
        }
        foreach (var server in _servers)
        {
            Watch(server);
            await _session.PumpAsync(server);
            if (_session.Relay.SwallowedError is { } error)
                throw new SqlErrorException(AtLine(error, server));
        }
        _session.Relay.Tap = null;
        return _splitter is null ? _rows / _servers.Length : _rows;
    }

    /// <summary>Takes every shard out of copy mode, whatever state it is in.</summary>
    public async ValueTask AbandonAsync()
    {
        // Closes the frames that the splitter has open, so that a CopyFail can follow what is there.
        _splitter?.Flush();
        _session.Relay.Tap = null;
        await SkipFrameAsync();
        foreach (var server in _servers)
        {
            if (server.State != ServerState.Leased)
                continue;
            if (server.IsTakingCopyData)
            {
                CopyFailMessage.Write(server.Channel.Output, "the COPY failed elsewhere"u8);
                EndData(server);
            }
            await _session.DrainAsync(server);
        }
    }

    public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
    {
        if (type == BackendMessageType.NoticeResponse && Entries?.TryTake(_watched, frame) == true)
            return false;
        if (type == BackendMessageType.CopyInResponse && _response.Length == 0)
            _response = frame.ToArray();
        if (type == BackendMessageType.CommandComplete && CommandCompleteMessage.TryRead(frame[Frame.HeaderLength..], out var complete)
            && complete.TryGetRowCount(out var rows))
        {
            _rows += rows;
        }
        return forward;
    }

    private async ValueTask PlaceAsync(CopySplitter splitter)
    {
        if (!splitter.IsHolding)
            return;
        await KeyWait.PlaceAsync(_session, splitter.Wanted, mayPlace: true);
        splitter.Release();
        ThrowIfSplitFailed();
    }

    /// <summary>Draws what the rows that have arrived can need.</summary>
    private async ValueTask DrawAsync()
    {
        if (_splitter?.Drawn is not { } drawn)
            return;
        var rows = drawn.RowsAtMost(_session.Client.Input.Unread[..Math.Min(_remaining, _session.Client.Input.Count)]);
        for (var field = 0; field < drawn.Count; field++)
        {
            if (drawn.Left(field) >= rows)
                continue;
            var column = _plan.Drawn[field];
            var values = new long[rows - drawn.Left(field)];
            await _session.Database.Sequences.TakeAsync(column.Sequence, column.IsIdentity ? null : _session.Planning().Context.User, values);
            IdentifierDrawing.CheckRange(values[^1], column.Type);
            drawn.Supply(field, values);
            _session.Sequences.Note(column.Sequence, values[^1]);
        }
    }

    // What is left of the message that was being read; the messages after it are ignored by whoever reads them.
    private async ValueTask SkipFrameAsync()
    {
        while (_remaining > 0)
        {
            var input = _session.Client.Input;
            var taken = Math.Min(_remaining, input.Count);
            input.Consume(taken);
            _remaining -= taken;
            if (_remaining > 0 && !TryReceive())
                await _session.WaitAsync();
        }
    }

    private void Watch(ServerConnection server)
    {
        _watched = server.Shard;
        _session.StartRelay(server);
        _session.Relay.Tap = this;
    }

    private static void EndData(ServerConnection server)
    {
        server.IsTakingCopyData = false;
        server.Ledger.OnCopyInputSent();
    }

    private SqlErrorException Failure(StatementText text)
    {
        var error = _session.Relay.SwallowedError ?? new ServerError(SqlStates.ProtocolViolation, "a shard did not start the COPY");
        return new SqlErrorException(error.Position is null ? error : error with { Position = error.Position + text.PositionOffset });
    }

    private CopySplitter CreateSplitter()
    {
        var home = _servers[Database.HomeShard];
        var serverEncoding = home.Parameters.GetValueOrDefault("server_encoding", "UTF8");
        var settings = new CopySplitterSettings(
            _session.Settings.Find("client_encoding") ?? home.Parameters.GetValueOrDefault("client_encoding", serverEncoding),
            serverEncoding,
            _session.Database.Routing.Catalog.ServerVersion,
            _session.Client.MaxFrameLength)
        {
            Constants = Times,
        };
        var outputs = Array.ConvertAll(_servers, static server => server.Channel.Output);
        return CopySplitter.TryCreate(_plan, _session.Planning().Routing.Directory, outputs, settings, out var splitter, out var refusal)
            ? splitter
            : throw new SqlErrorException(refusal);
    }

    // Moves what has arrived of the client's messages: false when there is nothing to be done.
    private bool TakeInput()
    {
        var input = _session.Client.Input;
        if (_remaining > 0)
        {
            if (input.IsEmpty)
                return false;
            var taken = Math.Min(_remaining, input.Count);
            _remaining -= taken;
            try
            {
                Feed(input.Unread[..taken]);
            }
            finally
            {
                input.Consume(taken);
            }
            return true;
        }
        var status = Frame.TryRead(input.Unread, _session.Client.MaxFrameLength, out var type, out var length);
        if (status == FrameStatus.Malformed)
            throw new SessionEndedException(SessionEnd.ProtocolViolation);
        if (length == 0 || (type != FrontendMessageType.CopyData && status == FrameStatus.Incomplete))
            return false;
        switch (type)
        {
            case FrontendMessageType.CopyData:
                input.Consume(Frame.HeaderLength);
                _remaining = length - Frame.HeaderLength;
                return true;
            case FrontendMessageType.CopyDone:
                input.Consume(length);
                _clientEnded = true;
                return true;
            case FrontendMessageType.CopyFail:
                var reason = CopyFailMessage.TryRead(input.Unread[Frame.HeaderLength..length], out var fail) ? System.Text.Encoding.UTF8.GetString(fail.Reason) : "";
                input.Consume(length);
                throw new SqlErrorException(SqlStates.QueryCanceled, $"COPY from stdin failed: {reason}");
            case FrontendMessageType.Flush or FrontendMessageType.Sync:
                input.Consume(length);
                return true;
            default:
                throw new SqlErrorException(SqlStates.ProtocolViolation, $"unexpected message type 0x{type:X2} during COPY from stdin");
        }
    }

    private void Feed(ReadOnlySpan<byte> payload)
    {
        if (_splitter is null)
        {
            foreach (var server in _servers)
                CopyDataMessage.Write(server.Channel.Output, payload);
            return;
        }
        _splitter.Feed(payload);
        ThrowIfSplitFailed();
    }

    private void ThrowIfSplitFailed()
    {
        if (_splitter is { Status: CopySplitStatus.Failed, Error: { } error })
            throw new SqlErrorException(error);
    }

    private void FlushServers()
    {
        _splitter?.Flush();
        foreach (var server in _servers)
            _session.Flush(server);
    }

    private bool IsBackedUp()
    {
        foreach (var server in _servers)
        {
            if (server.Channel.Output.Count > ServerHighWater)
                return true;
        }
        return false;
    }

    // A shard that says anything before the end of the data says that it has failed.
    private void ThrowIfFailed(ServerConnection server)
    {
        if ((server.Channel.Connection.Ready & Readiness.Readable) == 0)
            return;
        Watch(server);
        try
        {
            _session.Relay.Pump();
        }
        catch (IOException exception)
        {
            throw _session.Translate(exception, server);
        }
        if (_session.Relay.SwallowedError is not { } error)
            return;
        server.IsTakingCopyData = false;
        throw new SqlErrorException(AtLine(error, server));
    }

    /// <summary>The shard counts its own rows; the client wants to know which of its lines it was.</summary>
    private ServerError AtLine(ServerError error, ServerConnection server) => _splitter is null || error.Where is null
        ? error
        : error with { Where = _splitter.Lines(Array.IndexOf(_servers, server)).Translate(error.Where) };

    private bool TryReceive()
    {
        try
        {
            return _session.Client.TryReceive(64 * 1024);
        }
        catch (PeerClosedException)
        {
            throw new SessionEndedException(SessionEnd.ClientGone);
        }
    }
}
