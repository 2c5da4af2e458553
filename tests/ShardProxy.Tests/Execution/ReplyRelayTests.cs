using ShardProxy.Catalog;
using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Pooling;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Execution;

public sealed class ReplyRelayTests
{
    private readonly ManualLoop _loop = new();
    private readonly ServerConnection _server;
    private readonly MemoryConnection _nearServer;
    private readonly MemoryConnection _farServer;
    private readonly MemoryConnection _nearClient;
    private readonly MemoryConnection _farClient;
    private readonly FrameChannel _client;
    private readonly ReplyRelay _relay;

    public ReplyRelayTests()
    {
        var opener = new ManualOpener();
        _ = opener.OpenAsync(new ServerPool(opener, 0, "s0", 1, 1, 0), _loop);
        _server = opener.Succeed();
        (_, _nearServer, _farServer) = opener.Opened[0];
        (_nearClient, _farClient) = MemoryConnection.CreatePair(_loop, capacity: 8 << 20);
        _client = new FrameChannel(_nearClient, 1 << 20);
        _relay = new ReplyRelay(_client);
    }

    [Fact]
    public void Any_cut_of_the_servers_bytes_gives_the_same()
    {
        var random = new Random(5);
        for (var round = 0; round < 150; round++)
            new ReplyRelayTests().RunRandomBatch(random);
    }

    [Fact]
    public void A_held_ready_is_the_sessions_to_write()
    {
        _server.Ledger.Expect(ReplyKind.Query, Disposition.Forward);
        var tag = Bytes(static to => CommandCompleteMessage.Write(to, "SELECT 0"u8));
        Pump([.. tag, .. Ready('T')], int.MaxValue, holdReady: true).ShouldBe(RelayStatus.Done);
        ToClient().ShouldBe(tag);
        _relay.ReadyCount.ShouldBe(1);
        _server.TransactionStatus.ShouldBe((byte)'T');
    }

    [Fact]
    public void A_farewell_is_kept_from_the_client()
    {
        _server.Ledger.Expect(ReplyKind.Query, Disposition.Forward);
        var fatal = Bytes(static to => new ServerError(SqlStates.AdminShutdown, "going down") { Severity = "FATAL" }.WriteError(to));
        Pump(fatal, int.MaxValue).ShouldBe(RelayStatus.WantServer);
        ToClient().ShouldBeEmpty();
        _relay.FatalError!.Message.ShouldBe("going down");
        _farServer.Dispose();
        Should.Throw<PeerClosedException>(() => _relay.Pump());
        _relay.IsInsideMessage.ShouldBeFalse();
    }

    [Fact]
    public void A_row_that_is_torn_is_known_to_be()
    {
        _server.Ledger.Expect(ReplyKind.Query, Disposition.Forward);
        var row = Bytes(static to => DataRowMessage.Write(to, new string('x', 1000)));
        Pump(row[..500], int.MaxValue).ShouldBe(RelayStatus.WantServer);
        ToClient().ShouldBe(row[..500]);
        _relay.IsInsideMessage.ShouldBeTrue();
        Pump(row[500..], int.MaxValue, start: false);
        _relay.IsInsideMessage.ShouldBeFalse();
    }

    [Fact]
    public void A_position_counts_from_the_clients_text()
    {
        _server.Ledger.Expect(ReplyKind.Query, Disposition.Forward);
        _relay.Start(_server, ObjectIdMap.Identity);
        _relay.PositionOffset = 100;
        Pump([.. Bytes(static to => new ServerError("42601", "syntax error") { Position = 7 }.WriteError(to)), .. Ready('I')], 3, start: false);
        ToClient().ShouldBe([.. Bytes(static to => new ServerError("42601", "syntax error") { Position = 107 }.WriteError(to)), .. Ready('I')]);
    }

    [Fact]
    public void Replies_are_made_up_in_their_turn()
    {
        _server.Ledger.Expect(ReplyKind.Parse, Disposition.MakeUp);
        _server.Ledger.Expect(ReplyKind.Bind, Disposition.Forward);
        _server.Ledger.Expect(ReplyKind.Close, Disposition.MakeUp);
        _server.Ledger.Expect(ReplyKind.Close, Disposition.Swallow);
        _server.Ledger.Expect(ReplyKind.Sync, Disposition.Forward);
        Pump([.. Bytes(BindCompleteMessage.Write), .. Bytes(CloseCompleteMessage.Write), .. Ready('I')], 1).ShouldBe(RelayStatus.Done);
        ToClient().ShouldBe(
            [.. Bytes(ParseCompleteMessage.Write), .. Bytes(BindCompleteMessage.Write), .. Bytes(CloseCompleteMessage.Write), .. Ready('I')]);
        _relay.ParsesConfirmed.ShouldBe(1);
    }

    [Fact]
    public void A_client_that_does_not_read_stops_the_server()
    {
        _server.Ledger.Expect(ReplyKind.Query, Disposition.Forward);
        _relay.Start(_server, ObjectIdMap.Identity);
        var row = Bytes(static to => DataRowMessage.Write(to, new string('x', 10_000)));
        var sent = 0L;
        var status = RelayStatus.WantServer;
        while (status == RelayStatus.WantServer && sent < 64 << 20)
        {
            sent += _farServer.TrySend(row);
            status = _relay.Pump();
        }
        status.ShouldBe(RelayStatus.WantClient);
        _client.Output.Count.ShouldBeLessThan(4 * ReplyRelay.ClientHighWater);
    }

    private void RunRandomBatch(Random random)
    {
        var fromServer = new ByteBuffer();
        var expected = new ByteBuffer();
        for (var count = random.Next(1, 8); count > 0; count--)
            AppendReply(random, fromServer, expected);
        _server.Ledger.Expect(ReplyKind.Sync, Disposition.Forward);
        ReadyForQueryMessage.Write(fromServer, TransactionStatus.Idle);
        ReadyForQueryMessage.Write(expected, TransactionStatus.Idle);
        var chunk = random.Next(4) switch { 0 => 1, 1 => random.Next(1, 20), 2 => random.Next(1, 400), _ => int.MaxValue };
        _nearClient.MaxPerCall = random.Next(2) == 0 ? int.MaxValue : random.Next(1, 300);
        Pump(fromServer.Unread.ToArray(), chunk).ShouldBe(RelayStatus.Done);
        ToClient().ShouldBe(expected.Unread.ToArray());
        _server.Ledger.IsEmpty.ShouldBeTrue();
        _server.Channel.Input.IsEmpty.ShouldBeTrue();
    }

    private void AppendReply(Random random, ByteBuffer fromServer, ByteBuffer expected)
    {
        var disposition = (Disposition)random.Next(3);
        var kind = random.Next(4) switch { 0 => ReplyKind.Parse, 1 => ReplyKind.Bind, 2 => ReplyKind.Close, _ => ReplyKind.Execute };
        if (kind == ReplyKind.Execute && disposition == Disposition.MakeUp)
            disposition = Disposition.Forward;
        _server.Ledger.Expect(kind, disposition);
        var reply = new ByteBuffer();
        switch (kind)
        {
            case ReplyKind.Parse:
                ParseCompleteMessage.Write(reply);
                break;
            case ReplyKind.Bind:
                BindCompleteMessage.Write(reply);
                break;
            case ReplyKind.Close:
                CloseCompleteMessage.Write(reply);
                break;
            default:
                for (var rows = random.Next(6); rows > 0; rows--)
                    DataRowMessage.Write(reply, new string('r', random.Next(300)));
                CommandCompleteMessage.Write(reply, "SELECT 1"u8);
                break;
        }
        if (disposition != Disposition.MakeUp)
            fromServer.Write(reply.Unread);
        if (disposition != Disposition.Swallow)
            expected.Write(reply.Unread);
    }

    private RelayStatus Pump(byte[] bytes, int chunk, bool holdReady = false, bool start = true)
    {
        if (start)
            _relay.Start(_server, ObjectIdMap.Identity, holdReady);
        var status = RelayStatus.WantServer;
        for (var sent = 0; sent < bytes.Length;)
        {
            sent += _farServer.TrySend(bytes.AsSpan(sent, Math.Min(chunk, bytes.Length - sent)));
            status = _relay.Pump();
        }
        return status;
    }

    private byte[] ToClient()
    {
        while (!_client.TryFlush())
        {
        }
        return _farClient.TakePending();
    }

    private static byte[] Ready(char status) => Bytes(to => ReadyForQueryMessage.Write(to, (TransactionStatus)status));

    private static byte[] Bytes(Action<ByteBuffer> write)
    {
        var buffer = new ByteBuffer();
        write(buffer);
        return buffer.Unread.ToArray();
    }
}
