using ShardProxy.Listening;

namespace ShardProxy.Tests.Listening;

public sealed class CancelKeyRegistryTests
{
    private readonly CancelKeyRegistry<string> _registry = new();

    [Fact]
    public void A_key_finds_its_target_until_it_is_removed()
    {
        var key = _registry.Register("a", 4);
        key.ProcessId.ShouldBeGreaterThan(0);
        key.Secret.Length.ShouldBe(4);
        _registry.TryFind(key.ProcessId, key.Secret, out var target).ShouldBeTrue();
        target.ShouldBe("a");
        _registry.Remove(key);
        _registry.TryFind(key.ProcessId, key.Secret, out _).ShouldBeFalse();
        _registry.Count.ShouldBe(0);
    }

    [Fact]
    public void A_wrong_or_short_secret_finds_nothing()
    {
        var key = _registry.Register("a", 32);
        var wrong = (byte[])key.Secret.Clone();
        wrong[^1] ^= 1;
        _registry.TryFind(key.ProcessId, wrong, out _).ShouldBeFalse();
        _registry.TryFind(key.ProcessId, key.Secret.AsSpan(0, 4), out _).ShouldBeFalse();
        _registry.TryFind(key.ProcessId, [], out _).ShouldBeFalse();
        _registry.TryFind(key.ProcessId + 1, key.Secret, out _).ShouldBeFalse();
    }

    [Fact]
    public void Sessions_with_the_same_servers_id_are_told_apart_by_the_secret()
    {
        var first = _registry.Register("a", 4, processId: 99);
        var second = _registry.Register("b", 4, processId: 99);
        _registry.TryFind(99, second.Secret, out var target).ShouldBeTrue();
        target.ShouldBe("b");
        _registry.Remove(first);
        _registry.TryFind(99, second.Secret, out _).ShouldBeTrue();
        _registry.TryFind(99, first.Secret, out _).ShouldBeFalse();
    }

    [Fact]
    public void Ids_are_unique_under_concurrency()
    {
        var keys = new CancelKey[8][];
        Parallel.For(0, keys.Length, i => keys[i] = Enumerable.Range(0, 500).Select(n => _registry.Register($"{i}/{n}", 4)).ToArray());
        keys.SelectMany(static k => k).Select(static k => k.ProcessId).Distinct().Count().ShouldBe(4_000);
        Parallel.For(0, keys.Length, i =>
        {
            for (var n = 0; n < keys[i].Length; n++)
            {
                _registry.TryFind(keys[i][n].ProcessId, keys[i][n].Secret, out var target).ShouldBeTrue();
                target.ShouldBe($"{i}/{n}");
                _registry.Remove(keys[i][n]);
            }
        });
        _registry.Count.ShouldBe(0);
    }
}
