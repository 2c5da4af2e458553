using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Statements;

namespace ShardProxy.Sessions;

/// <summary>
/// The way of nearly all statements: one statement for one shard, planned before, as one simple Query or as one batch
/// Parse/Bind/Describe/Execute/Sync that has arrived whole. It looks the shape up, binds the key, takes a connection that
/// needs no preparation, and sends the client's bytes on. No allocation, no lock but the pool's, no await. Whatever is
/// not so simple is left untouched for the general path; taking that instead is always right.
/// </summary>
public sealed class FastPath
{
    private const Traits Unremarkable = Traits.None | Traits.Writes | Traits.DrawsOnServer;

    // One for all sessions of a loop stays in the processor's cache, and an idle session holds none.
    [ThreadStatic]
    private static ShapeScanner? _shared;

    [ThreadStatic]
    private static FastBatch? _sharedBatch;

    private readonly Session _session;
    private SessionPlanning _planning = null!;
    private PlannedStatement _planned = null!;
    private Pending _pending;
    private int _shard;
    private ClientStatement? _prepared;
    private long _started;

    public FastPath(Session session) => _session = session;

    // What was chosen a shard for and waits for its connection; the bytes stay in the client's input.
    private enum Pending : byte
    {
        Query,
        Unnamed,
        Prepared,
    }

    /// <summary>The connection that a started statement runs on.</summary>
    public ServerConnection? Server { get; private set; }

    /// <summary>Looks at the message at the front of the client's input, which is whole.</summary>
    public FastStart TryStart(byte type, int length) => type switch
    {
        FrontendMessageType.Query => TryStartQuery(length),
        FrontendMessageType.Parse or FrontendMessageType.Bind => TryStartBatch(),
        _ => FastStart.NotFast,
    };

    /// <summary>After the replies: the session follows the server, and the connection goes back unless a block or a pin keeps it.</summary>
    public void Finish()
    {
        var server = Server!;
        Server = null;
        _session.NoteReady();
        if (_session.Database.Slow.IsSlow(_started))
            ReportSlow(server);
        if (server.TransactionStatus != (byte)_session.Transaction.Status)
            Aftermath.FollowServer(_session, server);
        if (!_session.Transaction.IsOpen)
            _session.Servers.ReleaseIdle();
    }

    /// <summary>
    /// Goes on with the statement that was queued, once its connection is there. False: the state has changed meanwhile or the
    /// connection needs preparation, and the message is to be looked at anew.
    /// </summary>
    public bool TryResume()
    {
        if (!ReferenceEquals(_planning, _session.Planning()) || _session.Servers.Held(_shard) is null || _session.Servers.TryGetReady(_shard, out _) is not { } server)
            return false;
        var input = _session.Client.Input.Unread;
        switch (_pending)
        {
            case Pending.Query:
                Frame.TryRead(input, _session.Client.MaxFrameLength, out _, out var length);
                SendQuery(server, length);
                return true;
            case Pending.Unnamed:
                Batch.TryRead(input, _session.Client.MaxFrameLength);
                ParseMessage.TryRead(input[Frame.HeaderLength..Batch.ParseLength], out var parse);
                SendUnnamed(server, input, parse, Batch.Types(parse));
                return true;
            default:
                Batch.TryRead(input, _session.Client.MaxFrameLength);
                BindMessage.TryRead(Batch.BindBody(input), out var bind);
                SendPrepared(server, input, bind);
                return true;
        }
    }

    // As it was read last by any session of the loop: read it anew after a wait.
    private static FastBatch Batch => _sharedBatch ??= new FastBatch();

    // The slow-query log reads the scan after the replies, when other sessions have used the shared one.
    private ShapeScanner Scanner => _session.Database.Slow.IsOn ? _session.Scanner : _shared ??= new ShapeScanner();

    private FastStart TryStartQuery(int length)
    {
        var frame = _session.Client.Input.Unread[..length];
        if (frame[^1] != 0)
            return FastStart.NotFast;
        var sql = frame[Frame.HeaderLength..^1];
        var scanner = Scanner;
        if (!TryPlan(sql, scanner, out var choice) || !TryChoose(choice, new StatementValues(sql, scanner) { IsConverted = _session.ConvertsText }))
            return FastStart.NotFast;
        var start = TryLease(Pending.Query, out var server);
        if (start == FastStart.Started)
            SendQuery(server!, length);
        return start;
    }

    private void SendQuery(ServerConnection server, int length)
    {
        server.Ledger.Expect(ReplyKind.Query, Disposition.Forward);
        server.UnnamedOwner = null;
        Begin(server, _session.Client.Input.Unread[..length]);
        _session.Prepared.ForgetUnnamed();
        _session.Prepared.ForgetUnnamedPortal();
        Consume(length);
    }

    // The buffer serves another session while this one waits for its reply.
    private void Consume(int length)
    {
        _session.Client.Input.Consume(length);
        _session.Client.Input.Release();
    }

    private FastStart TryStartBatch()
    {
        var input = _session.Client.Input.Unread;
        if (!Batch.TryRead(input, _session.Client.MaxFrameLength))
            return FastStart.NotFast;
        return Batch.ParseLength > 0 ? TryStartUnnamed(input) : TryStartPrepared(input);
    }

    // Parse, Bind, Describe, Execute, Sync of the unnamed statement: the bytes go on as they are.
    private FastStart TryStartUnnamed(ReadOnlySpan<byte> input)
    {
        var batch = Batch;
        if (!ParseMessage.TryRead(input[Frame.HeaderLength..batch.ParseLength], out var parse)
            || !BindMessage.TryRead(batch.BindBody(input), out var bind)
            || !parse.Name.IsEmpty || !bind.Statement.IsEmpty)
        {
            return FastStart.NotFast;
        }
        var types = batch.Types(parse);
        var scanner = Scanner;
        if (batch.HasUserTypes
            || !TryPlan(parse.Query, scanner, out var choice)
            || !TryChoose(choice, new StatementValues(parse.Query, scanner, bind, types) { IsConverted = _session.ConvertsText })
            || MayHoldForeignIds(bind, types, null))
        {
            return FastStart.NotFast;
        }
        var start = TryLease(Pending.Unnamed, out var server);
        if (start == FastStart.Started)
            SendUnnamed(server!, input, parse, types);
        return start;
    }

    private void SendUnnamed(ServerConnection server, ReadOnlySpan<byte> input, in ParseMessage parse, ReadOnlySpan<uint> types)
    {
        server.Ledger.Expect(ReplyKind.Parse, Disposition.Forward);
        server.PendingParses.Enqueue(null);
        server.UnnamedOwner = null;
        ExpectBatch(server);
        Begin(server, input[..Batch.Length]);
        _session.Prepared.NoteUnnamed(parse.Query, types);
        _session.Prepared.ForgetUnnamedPortal();
        Consume(Batch.Length);
    }

    // Bind, Describe, Execute, Sync of a named statement: only the name in Bind is another on the server.
    private FastStart TryStartPrepared(ReadOnlySpan<byte> input)
    {
        _planning = _session.Planning();
        if (!BindMessage.TryRead(Batch.BindBody(input), out var bind)
            || !_session.Prepared.TryGetStatement(bind.Statement, out var statement)
            || statement.IsUnnamed
            || statement.Drawn is not null
            || statement.PlanUnder(_planning) is not { } planned
            || planned.Plan is not OneShardPlan one
            || (planned.Traits & ~Unremarkable) != 0
            || (planned.SharesKeyParameter && statement.Text.InferredTypes is null && !statement.Text.Declares(bind.ParameterCount)))
        {
            return FastStart.NotFast;
        }
        var sql = statement.Text.Sql;
        var scanner = Scanner;
        if (!statement.BindsParametersOnly)
            scanner.Scan(sql, _session.StandardConformingStrings);
        var types = statement.Text.InferredTypes ?? statement.Text.ParameterTypes;
        if (!TryChoose(one.Choice, new StatementValues(sql, scanner, bind, types) { IsConverted = _session.ConvertsText })
            || MayHoldForeignIds(bind, types, statement.Text.ResultTypes))
        {
            return FastStart.NotFast;
        }
        _planned = planned;
        _prepared = statement;
        var start = TryLease(Pending.Prepared, out var server);
        if (start == FastStart.Started)
            SendPrepared(server!, input, bind);
        return start;
    }

    private void SendPrepared(ServerConnection server, ReadOnlySpan<byte> input, in BindMessage bind)
    {
        var text = _prepared!.Text;
        PreparedRunner.SendParse(server, text, _session, Disposition.Swallow);
        BindMessage.WriteRenamed(server.Channel.Output, bind, bind.Portal, text.ServerName);
        server.Channel.Output.Write(input[Batch.BindEnd..Batch.Length]);
        ExpectBatch(server);
        Begin(server, []);
        _session.Prepared.ForgetUnnamedPortal();
        Consume(Batch.Length);
    }

    private static void ExpectBatch(ServerConnection server)
    {
        server.Ledger.Expect(ReplyKind.Bind, Disposition.Forward);
        if (Batch.HasDescribe)
            server.Ledger.Expect(ReplyKind.DescribePortal, Disposition.Forward);
        server.Ledger.Expect(ReplyKind.Execute, Disposition.Forward);
        server.Ledger.Expect(ReplyKind.Sync, Disposition.Forward);
    }

    private bool TryPlan(ReadOnlySpan<byte> sql, ShapeScanner scanner, out ShardChoice choice)
    {
        choice = null!;
        _planning = _session.Planning();
        scanner.Scan(sql, _session.StandardConformingStrings);
        if (!scanner.IsComplete || scanner.Hint.Kind != RoutingHintKind.None
            || !_session.Database.Statements.TryGet(scanner, sql, _planning.Id, out var template)
            || template.Statements.Length != 1)
        {
            return false;
        }
        _planned = template.Statements[0];
        _prepared = null;
        if (_planned.Plan is not OneShardPlan one || (_planned.Traits & ~Unremarkable) != 0 || _planned.SharesKeyParameter)
            return false;
        choice = one.Choice;
        return true;
    }

    // Object ids inside of binary values differ from shard to shard; the general path knows how to translate them. With a
    // Describe in the batch the relay sees by the description which rows hold any.
    private bool MayHoldForeignIds(in BindMessage bind, ReadOnlySpan<uint> types, uint[]? resultTypes)
    {
        var objectIds = _session.ObjectIds(_shard);
        if (objectIds.IsIdentity)
            return false;
        for (var i = 0; i < bind.ParameterCount; i++)
        {
            if (bind.IsBinary(i) && (i >= types.Length || types[i] == 0 || objectIds.HoldsObjectIds(types[i])))
                return true;
        }
        var formats = bind.ResultFormats;
        for (var i = 0; i < formats.Count && !Batch.HasDescribe; i++)
        {
            if (formats[i] == 1 && (resultTypes is null || AnyHoldsObjectIds(resultTypes, objectIds)))
                return true;
        }
        return false;
    }

    private static bool AnyHoldsObjectIds(uint[] types, Catalog.ObjectIdMap objectIds)
    {
        foreach (var type in types)
        {
            if (objectIds.HoldsObjectIds(type))
                return true;
        }
        return false;
    }

    private bool TryChoose(ShardChoice choice, in StatementValues values)
    {
        if (!ReferenceEquals(_session.Hint, SessionHint.None))
            return false;
        switch (choice)
        {
            case KeyedShard keyed:
                return ShardBinder.Choose(keyed, _planning.Routing.Directory, values, _session.Servers.AnyShard(), out _shard, out _) == BindResult.Bound;
            case AnyShard:
                _shard = _session.Servers.AnyShard();
                return true;
            default:
                _shard = Database.HomeShard;
                return true;
        }
    }

    private FastStart TryLease(Pending kind, out ServerConnection? server)
    {
        server = null;
        _pending = kind;
        var transaction = _session.Transaction;
        if (transaction.IsOpen)
        {
            if (transaction.Status == TransactionStatus.Failed || transaction.Definitions is not null)
                return FastStart.NotFast;
            if ((_planned.Traits & Traits.Writes) != 0)
            {
                // Whether a second shard may write is the general path's question.
                if (transaction.WriterShard == SessionTransaction.NoWriter)
                    transaction.AddWriter(_shard);
                else if (!transaction.HasWritten(_shard))
                    return FastStart.NotFast;
            }
        }
        server = _session.Servers.TryGetReady(_shard, out var queued);
        return server is not null ? FastStart.Started : queued ? FastStart.Queued : FastStart.NotFast;
    }

    // The scanner still holds the text that was sent, unless it was prepared before.
    private void ReportSlow(ServerConnection server)
    {
        var slow = _session.Database.Slow;
        if (_prepared is { } prepared)
            slow.Report(_session, _started, _planned.Verb, server.Shard, prepared.Text.Sql);
        else
            slow.Report(_session, _started, _planned.Verb, server.Shard, _session.Scanner);
    }

    // Straight from the client's buffer to the server's socket when nothing has to go before it.
    private void Begin(ServerConnection server, ReadOnlySpan<byte> bytes)
    {
        Server = server;
        if ((_planned.Traits & Traits.DrawsOnServer) != 0)
            _session.Sequences.NoteServer(server);
        _session.Relay.Start(server, _session.ObjectIds(server.Shard));
        _session.StartQueryClock();
        _started = _session.Database.Slow.Start();
        try
        {
            if (server.Channel.Output.IsEmpty)
            {
                var sent = server.Channel.Connection.TrySend(bytes);
                if (sent < 0)
                    throw new Transport.PeerClosedException(server.Channel.Connection);
                server.Channel.Output.Write(bytes[sent..]);
            }
            else
            {
                server.Channel.Output.Write(bytes);
                server.Channel.TryFlush();
            }
        }
        catch (Transport.PeerClosedException)
        {
            // The reply that does not come tells the session's loop; here the bytes count as sent.
        }
    }
}
