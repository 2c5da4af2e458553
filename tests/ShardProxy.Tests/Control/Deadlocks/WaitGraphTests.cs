using ShardProxy.Control.Deadlocks;

namespace ShardProxy.Tests.Control.Deadlocks;

public sealed class WaitGraphTests
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Two_that_wait_on_different_shards_are_a_circle_and_the_younger_gives_way()
    {
        var circle = Find([Transaction("a", 0, ("s0", 1), ("s1", 1)), Transaction("b", 5, ("s0", 2), ("s1", 2))], ("s0", 1, 2), ("s1", 2, 1));
        circle.ShouldBe(["b", "a"]);
    }

    [Fact]
    public void Of_equal_age_the_key_decides_so_that_all_proxies_choose_the_same() =>
        Find([Transaction("b", 0, ("s0", 2), ("s1", 2)), Transaction("a", 0, ("s0", 1), ("s1", 1))], ("s0", 1, 2), ("s1", 2, 1))![0].ShouldBe("b");

    [Fact]
    public void A_circle_may_lead_through_transactions_of_one_shard() =>
        Find([Transaction("a", 0, ("s0", 1), ("s1", 1)), Transaction("b", 5, ("s0", 2), ("s1", 2))], ("s0", 1, 9), ("s0", 9, 2), ("s1", 2, 1))
            .ShouldBe(["b", "a", "s0:9"]);

    [Fact]
    public void Three_shards_and_three_transactions() =>
        Find(
            [Transaction("a", 9, ("s0", 1), ("s1", 1)), Transaction("b", 5, ("s1", 2), ("s2", 2)), Transaction("c", 7, ("s2", 3), ("s0", 3))],
            ("s1", 1, 2), ("s2", 2, 3), ("s0", 3, 1))
            .ShouldBe(["a", "b", "c"]);

    [Fact]
    public void Chains_circles_within_a_shard_and_the_same_process_number_elsewhere_are_none()
    {
        var transactions = new[] { Transaction("a", 0, ("s0", 1), ("s1", 1)), Transaction("b", 5, ("s0", 2), ("s1", 2)) };
        Find(transactions, ("s0", 1, 2), ("s1", 1, 2)).ShouldBeNull();
        Find(transactions, ("s0", 1, 2), ("s0", 2, 1)).ShouldBeNull();
        Find(transactions, ("s0", 1, 2), ("s2", 2, 1)).ShouldBeNull();
        Find(transactions).ShouldBeNull();
    }

    private static IReadOnlyList<string>? Find(SpreadTransaction[] transactions, params (string Shard, int Waiter, int Blocker)[] waits) =>
        new WaitGraph(transactions, waits.Select(static wait => (new ServerProcess(wait.Shard, wait.Waiter), wait.Blocker))).FindCircle();

    private static SpreadTransaction Transaction(string key, int second, params (string Shard, int Pid)[] processes) =>
        new(key, Noon.AddSeconds(second), [.. processes.Select(static process => new ServerProcess(process.Shard, process.Pid))]);
}
