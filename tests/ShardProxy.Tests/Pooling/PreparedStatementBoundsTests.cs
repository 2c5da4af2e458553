using System.Text;
using ShardProxy.Pooling;

namespace ShardProxy.Tests.Pooling;

public sealed class PreparedStatementBoundsTests
{
    [Fact]
    public void The_registry_shares_equal_texts_and_keeps_its_bound()
    {
        var registry = new PreparedTextRegistry(maxBytes: 4_000);
        var random = new Random(3);
        for (var i = 0; i < 2_000; i++)
        {
            var sql = Encoding.UTF8.GetBytes($"SELECT {random.Next(40)}{new string('x', random.Next(200))}");
            registry.Intern(sql, [23u], 1).ShouldBeSameAs(registry.Intern(sql, [23u], 1));
            registry.Bytes.ShouldBeLessThanOrEqualTo(4_000);
        }
    }

    [Fact]
    public void Types_and_schema_make_other_statements()
    {
        var registry = new PreparedTextRegistry(1 << 20);
        var names = new[]
        {
            registry.Intern("SELECT $1"u8, [], 1), registry.Intern("SELECT $1"u8, [23u], 1), registry.Intern("SELECT $1"u8, [], 2),
            registry.Intern("SELECT $2"u8, [], 1),
        };
        names.Select(static text => Encoding.ASCII.GetString(text.ServerName)).Distinct().Count().ShouldBe(4);
    }

    [Fact]
    public void A_server_closes_the_longest_unused_and_never_the_newest()
    {
        var registry = new PreparedTextRegistry(1 << 20);
        var texts = Enumerable.Range(0, 10).Select(i => registry.Intern(Encoding.UTF8.GetBytes($"SELECT {i}"), [], 1)).ToList();
        var prepared = new PreparedOnServer(maxBytes: 3 * texts[0].Size);
        foreach (var text in texts.Take(4))
            prepared.Add(text);
        prepared.Touch(texts[0]).ShouldBeTrue();
        prepared.TakeExcess().ShouldBeSameAs(texts[1]);
        prepared.TakeExcess().ShouldBeNull();
        prepared.Touch(texts[1]).ShouldBeFalse();
        var huge = registry.Intern(new byte[100_000], [], 1);
        prepared.Add(huge);
        while (prepared.TakeExcess() is { } excess)
            excess.ShouldNotBeSameAs(huge);
        prepared.Count.ShouldBe(1);
        prepared.Bytes.ShouldBe(huge.Size);
        prepared.Remove(huge);
        prepared.Bytes.ShouldBe(0);
    }

    [Fact]
    public void What_an_error_kept_from_happening_has_not_happened()
    {
        var registry = new PreparedTextRegistry(1 << 20);
        var old = registry.Intern("SELECT 1"u8, [], 1);
        var next = registry.Intern("SELECT 2"u8, [], 1);
        var opener = new ManualOpener();
        var loop = new Transport.ManualLoop();
        var pool = new ServerPool(opener, 0, "s0", 1, 1, 0);
        _ = opener.OpenAsync(pool, loop);
        var server = opener.Succeed();
        server.Prepared.Add(old);
        server.Prepared.Remove(old);
        server.PendingCloses.Enqueue(old);
        server.Prepared.Add(next);
        server.PendingParses.Enqueue(next);
        server.ForgetUnconfirmed();
        server.Prepared.Touch(old).ShouldBeTrue();
        server.Prepared.Touch(next).ShouldBeFalse();
    }
}
