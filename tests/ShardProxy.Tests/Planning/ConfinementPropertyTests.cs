using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Planning;
using ShardProxy.Statements;
using ShardProxy.Tests.Planning.TinySql;

namespace ShardProxy.Tests.Planning;

/// <summary>
/// The promise that routing rests on: a shard that has all rows of the keys found gives the answer that all rows give. Random
/// queries over two tiny sharded tables are run in memory over all rows, and over those that such a shard would have.
/// </summary>
public sealed class ConfinementPropertyTests
{
    private const int Rounds = 400;

    private static readonly PlanningContext Context = new(
        new CatalogSnapshot(1, 150000, [Table("users"), Table("orders")], [], []),
        new DirectorySnapshot(
            1,
            "tiny",
            [
                new TableDistribution(new QualifiedName("public", "users"), TableKind.Sharded, "k", "public.users"),
                new TableDistribution(new QualifiedName("public", "orders"), TableKind.Sharded, "k", "public.users"),
            ],
            DirectorySnapshot.SpreadEvenly(16, 2)),
        ["public"],
        "app",
        new HashSet<string>());

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void RowsOfOtherKeysDoNotMatter(int seed)
    {
        var random = new Random(seed);
        var bound = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var query = new Generator(random).Query();
            if (Check(query, new Random(seed * 100_000 + round)))
                bound++;
        }
        // The generator must make queries that are confined, or the test shows nothing.
        bound.ShouldBeGreaterThan(20);
    }

    /// <returns>Whether the planner confined the query.</returns>
    private static bool Check(Query query, Random random)
    {
        var sql = Printer.Print(query);
        var bytes = System.Text.Encoding.UTF8.GetBytes(sql);
        var scanner = new ShapeScanner();
        scanner.Scan(bytes);
        var plan = StatementPlanner.Plan(bytes, scanner, Context).Statements.ShouldHaveSingleItem().Plan;
        plan.ShouldNotBeOfType<UnreadPlan>(sql);
        if (plan is not OneShardPlan { Choice: KeyedShard keyed })
            return false;
        var keys = keyed.Relations.SelectMany(set => KeyValues.Of(set, sql, scanner)).ToHashSet();
        for (var round = 0; round < 3; round++)
        {
            var all = Rows(random);
            var expected = Run(query, all);
            Run(query, Keep(all, keys.Contains)).ShouldBe(expected, $"{sql}\nkeys {string.Join(",", keys)}\nrows {Show(all)}");
            // A shard has rows of other keys too.
            var also = random.Next(4);
            Run(query, Keep(all, key => key == also || keys.Contains(key))).ShouldBe(expected, $"{sql}\nkeys {string.Join(",", keys)} and {also}\nrows {Show(all)}");
        }
        return true;
    }

    private static List<(int?, int?)> Run(Query query, Dictionary<string, List<(int K, int? V)>> rows) =>
        [.. new Evaluator(rows).Run(query, new Row()).Order()];

    private static Dictionary<string, List<(int K, int? V)>> Rows(Random random) => new()
    {
        ["users"] = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Row(random))],
        ["orders"] = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Row(random))],
    };

    private static (int, int?) Row(Random random) => (random.Next(4), random.Next(4) == 0 ? null : random.Next(3));

    private static Dictionary<string, List<(int K, int? V)>> Keep(Dictionary<string, List<(int K, int? V)>> rows, Func<int, bool> keep) =>
        rows.ToDictionary(static pair => pair.Key, pair => pair.Value.Where(row => keep(row.K)).ToList());

    private static string Show(Dictionary<string, List<(int K, int? V)>> rows) =>
        string.Join("; ", rows.Select(static pair => $"{pair.Key}: {string.Join(" ", pair.Value)}"));

    private static Relation Table(string name) => new(
        new QualifiedName("public", name),
        1,
        RelationKind.Table,
        [new ShardProxy.Catalog.Column("k", 1, 20, -1, true, false, false, true), new ShardProxy.Catalog.Column("v", 2, 20, -1, false, false, false, true)],
        null,
        null);
}
