using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Pooling;

public sealed class ServerResetTests
{
    private readonly ManualLoop _loop = new();
    private readonly ManualOpener _opener = new();
    private readonly ServerPool _pool;
    private readonly ServerConnection _server;

    public ServerResetTests()
    {
        _pool = new ServerPool(_opener, 0, "s0", size: 1, loops: 1, others: 0);
        var request = new LeaseRequest(new LoopSignal(_loop));
        _pool.TryLease(request);
        _loop.RunUntilIdle();
        _opener.Succeed();
        _loop.RunUntilIdle();
        request.TryTake(out var server, out _).ShouldBeTrue();
        _server = server!;
    }

    [Fact]
    public void An_open_block_is_rolled_back()
    {
        _server.TransactionStatus = (byte)'T';
        Reset();
        NextQuery().ShouldBe("ROLLBACK");
        Answer("ROLLBACK"u8);
        NextQuery().ShouldBe("");
        Answer("SELECT 0"u8);
        _pool.IdleCount.ShouldBe(1);
        _server.State.ShouldBe(ServerState.Idle);
    }

    [Fact]
    public void What_a_client_left_is_discarded()
    {
        _server.IsTainted = true;
        _server.Applied = SettingsSet.Empty.With("role", "other");
        _server.Prepared.Add(new PreparedTextRegistry(1000).Intern("SELECT 1"u8, [], 1));
        Reset();
        NextQuery().ShouldBe("DISCARD ALL");
        Answer("DISCARD ALL"u8);
        _pool.IdleCount.ShouldBe(1);
        _server.Applied.ShouldBe(SettingsSet.Empty);
        _server.Prepared.Count.ShouldBe(0);
        _server.IsTainted.ShouldBeFalse();
    }

    [Fact]
    public void A_discard_that_fails_closes_the_connection()
    {
        _server.IsTainted = true;
        Reset();
        NextQuery().ShouldBe("DISCARD ALL");
        var output = new ByteBuffer();
        new ServerError(SqlStates.QueryCanceled, "late").WriteError(output);
        Answer(output, (byte)'I');
        _server.State.ShouldBe(ServerState.Closed);
        _pool.Count.ShouldBe(0);
    }

    [Fact]
    public void A_copy_in_progress_is_not_waited_for()
    {
        _server.Ledger.Expect(ReplyKind.Query, Disposition.Forward);
        _server.IsTakingCopyData = true;
        Reset();
        _server.State.ShouldBe(ServerState.Closed);
        _pool.Count.ShouldBe(0);
    }

    [Fact]
    public void A_server_that_dies_meanwhile_is_no_longer_counted()
    {
        _server.TransactionStatus = (byte)'T';
        Reset();
        _opener.Opened[0].Far.Dispose();
        _loop.RunUntilIdle();
        _server.State.ShouldBe(ServerState.Closed);
        _pool.Count.ShouldBe(0);
    }

    private void Reset()
    {
        _loop.Post(static state => ServerReset.Start((ServerConnection)state!), _server);
        _loop.RunUntilIdle();
    }

    private string NextQuery()
    {
        var pending = _opener.Opened[0].Far.TakePending();
        _loop.RunUntilIdle();
        pending[0].ShouldBe((byte)'Q');
        return System.Text.Encoding.UTF8.GetString(pending.AsSpan(5, pending.Length - 6));
    }

    private void Answer(ReadOnlySpan<byte> tag)
    {
        var output = new ByteBuffer();
        CommandCompleteMessage.Write(output, tag);
        Answer(output, (byte)'I');
    }

    private void Answer(ByteBuffer output, byte status)
    {
        ReadyForQueryMessage.Write(output, (TransactionStatus)status);
        _opener.Opened[0].Far.TrySend(output.Unread);
        _loop.RunUntilIdle();
    }
}
