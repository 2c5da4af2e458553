using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions;

/// <summary>
/// The way of nearly all statements: one statement for one shard, planned before, as one simple Query or as one batch
/// Parse/Bind/Describe/Execute/Sync that has arrived whole. It looks the shape up, binds the key, takes a connection that
/// needs no preparation, and sends the client's bytes on. No allocation, no lock but the pool's, no await. Whatever is
/// not so simple is left untouched for the general path; taking that instead is always right.
/// </summary>
public sealed class FastPath
{
    private const Traits Unremarkable = Traits.None | Traits.Writes;

    private readonly Session _session;
    private readonly FastBatch _batch = new();
    private PlannedStatement? _planned;
    private ClientStatement? _prepared;
    private long _started;

    public FastPath(Session session) => _session = session;

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
        if (_session.Database.Slow.IsSlow(_started))
            ReportSlow(server);
        if (server.TransactionStatus != (byte)_session.Transaction.Status)
            Aftermath.FollowServer(_session, server);
        if (!_session.Transaction.IsOpen)
            _session.Servers.ReleaseIdle();
    }

    private FastStart TryStartQuery(int length)
    {
        var frame = _session.Client.Input.Unread[..length];
        if (frame[^1] != 0)
            return FastStart.NotFast;
        var sql = frame[Frame.HeaderLength..^1];
        if (!TryPlan(sql, out var planned, out var choice) || !TryChoose(choice, new StatementValues(sql, _session.Scanner) { IsConverted = _session.ConvertsText }, out var shard))
            return FastStart.NotFast;
        var start = TryLease(planned, shard, out var server);
        if (start != FastStart.Started)
            return start;
        server!.Ledger.Expect(ReplyKind.Query, Disposition.Forward);
        server.UnnamedOwner = null;
        Begin(server, frame);
        _session.Prepared.ForgetUnnamed();
        _session.Prepared.ForgetUnnamedPortal();
        _session.Client.Input.Consume(length);
        return FastStart.Started;
    }

    private FastStart TryStartBatch()
    {
        var input = _session.Client.Input.Unread;
        if (!_batch.TryRead(input, _session.Client.MaxFrameLength))
            return FastStart.NotFast;
        return _batch.ParseLength > 0 ? TryStartUnnamed(input) : TryStartPrepared(input);
    }

    // Parse, Bind, Describe, Execute, Sync of the unnamed statement: the bytes go on as they are.
    private FastStart TryStartUnnamed(ReadOnlySpan<byte> input)
    {
        var batch = _batch;
        if (!ParseMessage.TryRead(input[Frame.HeaderLength..batch.ParseLength], out var parse)
            || !BindMessage.TryRead(batch.BindBody(input), out var bind)
            || !parse.Name.IsEmpty || !bind.Statement.IsEmpty)
        {
            return FastStart.NotFast;
        }
        var types = batch.Types(parse);
        if (batch.HasUserTypes
            || !TryPlan(parse.Query, out var planned, out var choice)
            || !TryChoose(choice, new StatementValues(parse.Query, _session.Scanner, bind, types) { IsConverted = _session.ConvertsText }, out var shard)
            || MayHoldForeignIds(shard, bind, types, null))
        {
            return FastStart.NotFast;
        }
        var start = TryLease(planned, shard, out var server);
        if (start != FastStart.Started)
            return start;
        server!.Ledger.Expect(ReplyKind.Parse, Disposition.Forward);
        server.PendingParses.Enqueue(null);
        server.UnnamedOwner = null;
        ExpectBatch(server);
        Begin(server, input[..batch.Length]);
        _session.Prepared.NoteUnnamed(parse.Query, types);
        _session.Prepared.ForgetUnnamedPortal();
        _session.Client.Input.Consume(batch.Length);
        return FastStart.Started;
    }

    // Bind, Describe, Execute, Sync of a named statement: only the name in Bind is another on the server.
    private FastStart TryStartPrepared(ReadOnlySpan<byte> input)
    {
        var batch = _batch;
        if (!BindMessage.TryRead(batch.BindBody(input), out var bind)
            || !_session.Prepared.TryGetStatement(bind.Statement, out var statement)
            || statement.IsUnnamed
            || statement.PlanUnder(_session.Planning()) is not { } planned
            || planned.Plan is not OneShardPlan one
            || (planned.Traits & ~Unremarkable) != 0
            || (planned.SharesKeyParameter && statement.Text.InferredTypes is null && !statement.Text.Declares(bind.ParameterCount)))
        {
            return FastStart.NotFast;
        }
        var sql = statement.Text.Sql;
        if (!statement.BindsParametersOnly)
            _session.Scanner.Scan(sql, _session.StandardConformingStrings);
        var types = statement.Text.InferredTypes ?? statement.Text.ParameterTypes;
        if (!TryChoose(one.Choice, new StatementValues(sql, _session.Scanner, bind, types) { IsConverted = _session.ConvertsText }, out var shard)
            || MayHoldForeignIds(shard, bind, types, statement.Text.ResultTypes))
        {
            return FastStart.NotFast;
        }
        var start = TryLease(planned, shard, out var server);
        if (start != FastStart.Started)
            return start;
        _prepared = statement;
        PreparedRunner.SendParse(server!, statement.Text, _session, Disposition.Swallow);
        BindMessage.WriteRenamed(server!.Channel.Output, bind, bind.Portal, statement.Text.ServerName);
        server.Channel.Output.Write(input[batch.BindEnd..batch.Length]);
        ExpectBatch(server);
        Begin(server, []);
        _session.Prepared.ForgetUnnamedPortal();
        _session.Client.Input.Consume(batch.Length);
        return FastStart.Started;
    }

    private void ExpectBatch(ServerConnection server)
    {
        server.Ledger.Expect(ReplyKind.Bind, Disposition.Forward);
        if (_batch.HasDescribe)
            server.Ledger.Expect(ReplyKind.DescribePortal, Disposition.Forward);
        server.Ledger.Expect(ReplyKind.Execute, Disposition.Forward);
        server.Ledger.Expect(ReplyKind.Sync, Disposition.Forward);
    }

    private bool TryPlan(ReadOnlySpan<byte> sql, out PlannedStatement planned, out ShardChoice choice)
    {
        planned = null!;
        choice = null!;
        var scanner = _session.Scanner;
        scanner.Scan(sql, _session.StandardConformingStrings);
        if (!scanner.IsComplete || scanner.Hint.Kind != Statements.RoutingHintKind.None
            || !_session.Database.Statements.TryGet(scanner, sql, _session.Planning().Id, out var template)
            || template.Statements.Length != 1)
        {
            return false;
        }
        planned = template.Statements[0];
        if (planned.Plan is not OneShardPlan one || (planned.Traits & ~Unremarkable) != 0 || planned.SharesKeyParameter)
            return false;
        choice = one.Choice;
        return true;
    }

    // Object ids inside of binary values differ from shard to shard; the general path knows how to translate them. With a
    // Describe in the batch the relay sees by the description which rows hold any.
    private bool MayHoldForeignIds(int shard, in BindMessage bind, ReadOnlySpan<uint> types, uint[]? resultTypes)
    {
        var objectIds = _session.ObjectIds(shard);
        if (objectIds.IsIdentity)
            return false;
        for (var i = 0; i < bind.ParameterCount; i++)
        {
            if (bind.IsBinary(i) && (i >= types.Length || types[i] == 0 || objectIds.HoldsObjectIds(types[i])))
                return true;
        }
        var formats = bind.ResultFormats;
        for (var i = 0; i < formats.Count && !_batch.HasDescribe; i++)
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

    private bool TryChoose(ShardChoice choice, in StatementValues values, out int shard)
    {
        shard = Database.HomeShard;
        if (!ReferenceEquals(_session.Hint, SessionHint.None))
            return false;
        switch (choice)
        {
            case KeyedShard keyed:
                return ShardBinder.Choose(keyed, _session.Planning().Routing.Directory, values, _session.Servers.AnyShard(), out shard, out _) == BindResult.Bound;
            case AnyShard:
                shard = _session.Servers.AnyShard();
                return true;
            default:
                return true;
        }
    }

    private FastStart TryLease(PlannedStatement planned, int shard, out ServerConnection? server)
    {
        server = null;
        var transaction = _session.Transaction;
        if (transaction.Status == TransactionStatus.Failed)
            return FastStart.NotFast;
        if (transaction.IsOpen && (planned.Traits & Traits.Writes) != 0)
        {
            if (transaction.WriterShard == SessionTransaction.NoWriter)
                transaction.WriterShard = shard;
            else if (transaction.WriterShard != shard && transaction.WriterShard != SessionTransaction.EveryShard)
                return FastStart.NotFast;
        }
        server = _session.Servers.TryGetReady(shard, out var queued);
        if (server is null)
            return queued ? FastStart.Queued : FastStart.NotFast;
        _planned = planned;
        _prepared = null;
        return FastStart.Started;
    }

    // The scanner still holds the text that was sent, unless it was prepared before.
    private void ReportSlow(ServerConnection server)
    {
        var slow = _session.Database.Slow;
        if (_prepared is { } prepared)
            slow.Report(_session, _started, _planned!.Verb, server.Shard, prepared.Text.Sql);
        else
            slow.Report(_session, _started, _planned!.Verb, server.Shard, _session.Scanner);
    }

    // Straight from the client's buffer to the server's socket when nothing has to go before it.
    private void Begin(ServerConnection server, ReadOnlySpan<byte> bytes)
    {
        Server = server;
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
