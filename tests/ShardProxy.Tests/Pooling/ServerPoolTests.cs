using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Transport;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Pooling;

public sealed class ServerPoolTests
{
    private readonly ManualLoop[] _loops = [new(0), new(1)];
    private readonly ManualOpener _opener = new();
    private readonly ServerPool _pool;

    public ServerPoolTests() => _pool = new ServerPool(_opener, shard: 0, "s0", size: 2, loops: 2, others: 0);

    [Fact]
    public void A_waiter_of_another_loop_gets_a_new_connection_on_its_own()
    {
        var first = Ask(0);
        var second = Ask(1);
        _opener.PendingCount.ShouldBe(2);
        _opener.Succeed();
        Run();
        // The connection was opened for loop 0; its waiter leaves, so the next one serves loop 1.
        _pool.Withdraw(first);
        Run();
        second.TryTake(out var server, out _).ShouldBeTrue();
        server!.Channel.Connection.Loop.ShouldBeSameAs(_loops[1]);
    }

    [Fact]
    public void What_was_granted_to_one_who_left_goes_to_the_next()
    {
        var first = Ask(0);
        Ask(0, _pool);
        _opener.Succeed();
        Run();
        _pool.Withdraw(first);
        _pool.WaitingCount.ShouldBe(0);
        _pool.Count.ShouldBe(2);
        first.TryTake(out _, out _).ShouldBeFalse();
    }

    [Fact]
    public void Any_failure_of_an_opening_is_an_answer()
    {
        var request = Ask(0);
        _opener.Fail(new ArithmeticException("a defect"));
        Run();
        request.TryTake(out var server, out var failure).ShouldBeTrue();
        server.ShouldBeNull();
        failure!.Message.ShouldContain("a defect");
        _pool.Count.ShouldBe(0);
    }

    [Fact]
    public async Task An_opening_that_failed_while_others_are_held_is_tried_again()
    {
        var first = Ask(0);
        _opener.Succeed();
        Run();
        first.TryTake(out _, out _).ShouldBeTrue();
        var second = Ask(0);
        _opener.Fail();
        Run();
        second.TryTake(out _, out _).ShouldBeFalse();
        _pool.LastOpeningError!.Message.ShouldBe("no server");
        for (var until = Environment.TickCount64 + 30_000; _opener.PendingCount == 0 && Environment.TickCount64 < until;)
        {
            await Task.Delay(10);
            _loops[0].LookAtDeadlines();
        }
        _opener.Succeed();
        Run();
        second.TryTake(out var server, out _).ShouldBeTrue();
        server.ShouldNotBeNull();
        _pool.LastOpeningError.ShouldBeNull();
    }

    [Fact]
    public void A_larger_size_opens_for_those_who_wait()
    {
        for (var i = 0; i < 5; i++)
            Ask(i % 2);
        _opener.PendingCount.ShouldBe(2);
        _pool.Size = 4;
        Run();
        _opener.PendingCount.ShouldBe(4);
    }

    [Fact]
    public void A_smaller_size_closes_the_surplus_as_it_comes_back()
    {
        var requests = new[] { Ask(0), Ask(0) };
        _opener.Succeed();
        _opener.Succeed();
        Run();
        _pool.Size = 1;
        foreach (var request in requests)
        {
            request.TryTake(out var server, out _).ShouldBeTrue();
            _pool.Release(server!);
        }
        Run();
        _pool.Count.ShouldBe(1);
        _opener.Opened.Count(static opened => opened.Connection.IsDisposed).ShouldBe(1);
    }

    [Fact]
    public void Closing_answers_who_waits_and_closes_what_comes_later()
    {
        var first = Ask(0);
        var second = Ask(0);
        _opener.Succeed();
        Run();
        _pool.Close();
        second.TryTake(out _, out var failure).ShouldBeTrue();
        failure!.SqlState.ShouldBe(SqlStates.AdminShutdown);
        first.TryTake(out var server, out _).ShouldBeTrue();
        _pool.Release(server!);
        _opener.Succeed();
        Run();
        _opener.Opened.ShouldAllBe(static opened => opened.Connection.IsDisposed);
        var late = new LeaseRequest(new LoopSignal(_loops[0]));
        _pool.TryLease(late).ShouldBeNull();
        late.TryTake(out _, out failure).ShouldBeTrue();
        failure.ShouldNotBeNull();
    }

    [Fact]
    public void An_idle_connection_whose_server_has_gone_is_replaced()
    {
        var first = Ask(0);
        _opener.Succeed();
        Run();
        first.TryTake(out var server, out _).ShouldBeTrue();
        _pool.Release(server!);
        _opener.Opened[0].Far.Dispose();
        var second = Ask(0);
        _pool.IdleCount.ShouldBe(0);
        _opener.PendingCount.ShouldBe(1);
        _opener.Succeed();
        Run();
        second.TryTake(out server, out _).ShouldBeTrue();
        server.ShouldBeSameAs(_opener.Opened[1].Server);
        _pool.Count.ShouldBe(1);
    }

    private LeaseRequest Ask(int loop, ServerPool? pool = null)
    {
        var request = new LeaseRequest(new LoopSignal(_loops[loop]));
        (pool ?? _pool).TryLease(request).ShouldBeNull();
        Run();
        return request;
    }

    private void Run()
    {
        foreach (var loop in _loops)
            loop.RunUntilIdle();
    }
}
