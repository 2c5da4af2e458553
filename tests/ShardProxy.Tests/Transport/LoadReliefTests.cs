using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Configuration;
using ShardProxy.Transport;

namespace ShardProxy.Tests.Transport;

/// <summary>Where sessions go by what the loops use.</summary>
public sealed class LoadReliefTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly EventLoopGroup _group = new(new TransportConfig(TransportEngine.Sockets, 3, SessionPlacement.Fixed), NullLogger.Instance);
    private ThreadLoop[] _loops = null!;

    public Task InitializeAsync()
    {
        _loops = [_group.Loop(0), _group.Loop(1), _group.Loop(2)];
        return Task.CompletedTask;
    }

    async Task IAsyncLifetime.DisposeAsync() => await DisposeAsync();

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    [Fact]
    public void A_busy_loop_gives_half_of_the_difference_to_the_least_busy()
    {
        var relief = WithActive(0, sessions: 10);
        relief.Decide([0.8, 0.4, 0.2]);
        relief.Moves.ShouldBe((4, _loops[2]));
    }

    [Fact]
    public void A_loop_that_is_not_busy_keeps_its_sessions()
    {
        var relief = WithActive(0, sessions: 10);
        relief.Decide([LoadRelief.Busy - 0.01, 0, 0]);
        relief.Moves.Count.ShouldBe(0);
    }

    [Fact]
    public void Nothing_moves_when_all_are_busy()
    {
        var relief = WithActive(1, sessions: 10);
        relief.Decide([0.9, 0.95, 0.9]);
        relief.Moves.Count.ShouldBe(0);
    }

    [Fact]
    public void A_loop_that_is_not_needed_gives_all_to_a_lower_one_once_that_is_sure()
    {
        var relief = WithActive(2, sessions: 7);
        for (var sample = 1; sample < 5; sample++)
        {
            relief.Decide([0.3, 0.1, 0.05]);
            relief.Moves.Count.ShouldBe(0);
        }
        relief.Decide([0.3, 0.1, 0.05]);
        relief.Moves.ShouldBe((7, _loops[0]));
    }

    [Fact]
    public void A_busy_sample_between_starts_the_patience_anew()
    {
        var relief = WithActive(1, sessions: 7);
        for (var sample = 0; sample < 4; sample++)
            relief.Decide([0.1, 0.1, 0]);
        relief.Decide([0.4, 0.1, 0]);
        relief.Decide([0.1, 0.1, 0]);
        relief.Moves.Count.ShouldBe(0);
    }

    [Fact]
    public void The_first_loop_is_never_emptied()
    {
        var relief = WithActive(0, sessions: 5);
        for (var sample = 0; sample < 20; sample++)
            relief.Decide([0.1, 0, 0]);
        relief.Moves.Count.ShouldBe(0);
    }

    [Fact]
    public void What_a_loop_gives_away_by_its_load_settles()
    {
        // Two loops, one with all the work: moving what is decided on, again and again, must come to rest below the limit.
        double[] shares = [0.95, 0.0, 1.0];
        var moves = 0;
        for (var sample = 0; sample < 20; sample++)
        {
            var relief = WithActive(0, sessions: 100);
            relief.Decide(shares);
            var moved = shares[0] * relief.Moves.Count / 100;
            moves += relief.Moves.Count > 0 ? 1 : 0;
            shares[0] -= moved;
            shares[1] += moved;
        }
        moves.ShouldBeLessThan(5);
        shares[0].ShouldBeLessThan(LoadRelief.Busy);
        shares[1].ShouldBeLessThan(LoadRelief.Busy);
    }

    private LoadRelief WithActive(int index, int sessions)
    {
        var relief = new LoadRelief(_loops, index);
        for (var i = 0; i < sessions; i++)
        {
            var window = 0;
            relief.Next(ref window).ShouldBeNull();
        }
        return relief;
    }
}
