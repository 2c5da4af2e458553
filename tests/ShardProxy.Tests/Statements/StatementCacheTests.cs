using System.Text;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Statements;

public sealed class StatementCacheTests
{
    private const long Plenty = 16 << 20;

    [Fact]
    public void A_text_of_the_same_shape_hits()
    {
        var cache = new StatementCache<string>(Plenty);
        Get(cache, "select 1").ShouldBeNull();
        Add(cache, "select 1", "one");
        Get(cache, "SELECT 2").ShouldBe("one");
        Get(cache, "select 'a'").ShouldBeNull();
        Get(cache, "select 1", context: 7).ShouldBeNull();
        (cache.Hits, cache.Misses, cache.Count).ShouldBe((1, 3, 1));
    }

    [Fact]
    public void Sensitive_literals_tell_variants_apart()
    {
        var cache = new StatementCache<string>(Plenty);
        for (var column = 1; column <= 50; column++)
            Add(cache, $"select a, b from t where c = 'x' order by {column}", $"by {column}", 1);
        for (var column = 1; column <= 50; column++)
            Get(cache, $"select a, b from t where c = 'other' order by {column}").ShouldBe($"by {column}");
        Get(cache, "select a, b from t where c = 'x' order by 51").ShouldBeNull();
        Get(cache, "select a, b from t where c = 'x' order by 01").ShouldBeNull();
    }

    [Fact]
    public void Variants_may_depend_on_different_slots()
    {
        var cache = new StatementCache<string>(Plenty);
        Add(cache, "select 1, 'a'", "first", 0);
        Add(cache, "select 2, 'b'", "both", 0, 1);
        Get(cache, "select 1, 'z'").ShouldBe("first");
        Get(cache, "select 2, 'b'").ShouldBe("both");
        Get(cache, "select 2, 'z'").ShouldBeNull();
    }

    [Fact]
    public void A_sensitive_list_is_compared_whole()
    {
        var cache = new StatementCache<string>(Plenty);
        Add(cache, "select a in (1, 23)", "x", 0);
        Get(cache, "select a in (1,23)").ShouldBe("x");
        Get(cache, "select a in (12, 3)").ShouldBeNull();
        Get(cache, "select a in (1)").ShouldBeNull();
        Get(cache, "select a in (1, 23, 4)").ShouldBeNull();
    }

    [Fact]
    public void Colliding_hashes_never_mix_templates_up()
    {
        var cache = new StatementCache<string>(Plenty, hashMask: 0);
        for (var number = 0; number < 300; number++)
        {
            Add(cache, $"select a{number}", $"column {number}");
            Add(cache, $"select {number}, b", $"value {number}", 0);
        }
        for (var number = 0; number < 300; number++)
        {
            Get(cache, $"select a{number}").ShouldBe($"column {number}");
            Get(cache, $"select {number}, b").ShouldBe($"value {number}");
        }
        Get(cache, "select a300").ShouldBeNull();
    }

    [Fact]
    public void A_second_template_replaces_the_first()
    {
        var cache = new StatementCache<string>(Plenty);
        foreach (var slots in new[] { Array.Empty<int>(), [0] })
        {
            Add(cache, "select 1", "old", slots);
            var bytes = cache.Bytes;
            Add(cache, "select 1", "new", slots);
            cache.Bytes.ShouldBe(bytes);
            cache.Count.ShouldBe(1);
            Get(cache, "select 1").ShouldBe("new");
            cache.Clear();
            cache.Bytes.ShouldBe(0);
            cache.Count.ShouldBe(0);
            Get(cache, "select 1").ShouldBeNull();
        }
    }

    [Fact]
    public void Its_size_stays_within_the_bound()
    {
        const long Bound = 256 << 10;
        var cache = new StatementCache<string>(Bound);
        var random = new Random(1);
        for (var round = 0; round < 20_000; round++)
        {
            var sensitive = random.Next(2) == 0 ? Array.Empty<int>() : [0];
            Add(cache, $"select {round} from t{random.Next(5000)} {new string('a', random.Next(600))}", "x", random.Next(4000), sensitive);
            cache.Bytes.ShouldBeLessThanOrEqualTo(Bound);
        }
        cache.Count.ShouldBeGreaterThan(50);
        Add(cache, $"select '{new string('x', 1 << 20)}'", "large", 0);
        Get(cache, $"select '{new string('x', 1 << 20)}'").ShouldBeNull();
        cache.Clear();
        cache.Bytes.ShouldBe(0);
    }

    [Fact]
    public void A_flood_of_new_shapes_leaves_what_is_in_use()
    {
        var cache = new StatementCache<string>(256 << 10);
        for (var number = 0; number < 20; number++)
            Add(cache, $"select hot{number}", "hot");
        for (var round = 0; round < 20_000; round++)
        {
            Get(cache, $"select hot{round % 20}").ShouldBe("hot");
            Add(cache, $"select cold{round}", "cold");
        }
    }

    [Fact]
    public void An_unfinished_text_is_never_cached()
    {
        var cache = new StatementCache<string>(Plenty);
        Add(cache, "select 'a", "x");
        Get(cache, "select 'a").ShouldBeNull();
        cache.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Readers_get_the_right_template_while_writers_evict()
    {
        var cache = new StatementCache<string>(64 << 10, hashMask: 0x0f);
        var stop = false;
        var readers = Enumerable.Range(0, 3).Select(seed => Task.Factory.StartNew(
            () =>
            {
                var random = new Random(seed);
                while (!Volatile.Read(ref stop))
                {
                    var number = random.Next(400);
                    if (Get(cache, $"select c{number}, {number % 3}") is { } template)
                        template.ShouldBe($"{number}/{number % 3}");
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToArray();
        var writer = new Random(9);
        for (var round = 0; round < 20_000; round++)
        {
            var number = writer.Next(400);
            Add(cache, $"select c{number}, {number % 3}", $"{number}/{number % 3}", 0);
        }
        Volatile.Write(ref stop, true);
        await Task.WhenAll(readers);
    }

    [Fact]
    public void Scanning_and_hitting_allocate_nothing()
    {
        var cache = new StatementCache<string>(Plenty);
        var texts = new[]
        {
            "SELECT abalance FROM pgbench_accounts WHERE aid = 123;",
            "/* shardproxy: key='x' */ select * from t where a in (1, 2, 3) and b = E'x\\'y' order by 1; select $$a$$",
        };
        var encoded = texts.Select(Encoding.UTF8.GetBytes).ToArray();
        foreach (var text in texts)
            Add(cache, text, "x", text.Contains("order", StringComparison.Ordinal) ? [2] : []);
        var scanner = new ShapeScanner();
        var hits = ScanAndGet(cache, scanner, encoded, 1000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        hits += ScanAndGet(cache, scanner, encoded, 1000);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
        hits.ShouldBe(4000);
    }

    private static int ScanAndGet(StatementCache<string> cache, ShapeScanner scanner, byte[][] texts, int rounds)
    {
        var hits = 0;
        for (var round = 0; round < rounds; round++)
        {
            foreach (var text in texts)
            {
                scanner.Scan(text);
                if (cache.TryGet(scanner, text, 0, out _))
                    hits++;
            }
        }
        return hits;
    }

    private static string? Get(StatementCache<string> cache, string sql, long context = 0)
    {
        var (scanner, bytes) = Scan(sql);
        return cache.TryGet(scanner, bytes, context, out var template) ? template : null;
    }

    private static void Add(StatementCache<string> cache, string sql, string template, params int[] sensitiveSlots) =>
        Add(cache, sql, template, 100, sensitiveSlots);

    private static void Add(StatementCache<string> cache, string sql, string template, int size, int[] sensitiveSlots)
    {
        var (scanner, bytes) = Scan(sql);
        cache.Add(scanner, bytes, 0, template, sensitiveSlots, size);
    }

    private static (ShapeScanner Scanner, byte[] Sql) Scan(string sql)
    {
        var scanner = new ShapeScanner();
        var bytes = Encoding.UTF8.GetBytes(sql);
        scanner.Scan(bytes);
        return (scanner, bytes);
    }
}
