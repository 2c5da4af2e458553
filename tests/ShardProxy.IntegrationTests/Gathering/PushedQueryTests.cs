using System.Text.Json;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>Subqueries that group by the key are answered by each shard, and only what they give is brought together.</summary>
public sealed class PushedQueryTests(KeyListShop shop) : IClassFixture<KeyListShop>
{
    [Fact]
    public async Task Answers_are_those_of_one_server()
    {
        string[] statements =
        [
            "SELECT p.id FROM people p WHERE p.id IN (SELECT sale FROM pays GROUP BY sale HAVING sum(amount) > 60) ORDER BY 1",
            "SELECT p.id FROM people p WHERE p.id NOT IN (SELECT sale FROM pays GROUP BY sale HAVING sum(amount) > 60) ORDER BY 1",
            "SELECT s.id, y.total, pg_typeof(y.total) FROM sales s JOIN (SELECT sale, sum(amount) AS total FROM pays GROUP BY sale HAVING count(*) > 1) y ON y.sale = s.person ORDER BY 1",
            "SELECT s.id, y.total FROM sales s LEFT JOIN (SELECT sale, sum(amount) AS total FROM pays GROUP BY sale) y ON y.sale = s.person WHERE s.id < 50 ORDER BY 1",
            "SELECT s.id, y.total FROM sales s JOIN (SELECT sale, sum(amount) AS total FROM pays GROUP BY sale) y ON y.sale = s.person WHERE y.sale BETWEEN 7 AND 19 ORDER BY 1",
            "SELECT s.id, y.b FROM sales s JOIN (SELECT sale, sum(amount) FROM pays GROUP BY sale) AS y(a, b) ON y.a = s.person WHERE y.a < 30 AND y.b > 5 ORDER BY 1",
            "SELECT s.id, d.kind FROM sales s JOIN (SELECT DISTINCT sale, kind FROM pays WHERE kind < 'k5') d ON d.sale = s.good ORDER BY 1, 2",
            "SELECT p.id, x.m FROM people p JOIN (SELECT s.id, max(y.amount) AS m, count(*) AS n FROM sales s JOIN pays y ON y.sale = s.id GROUP BY s.id) x ON x.id = p.id WHERE x.n > 1 ORDER BY 1",
            "SELECT p.id, x.id FROM people p JOIN (SELECT s.person AS id, s.id AS person FROM sales s GROUP BY s.id) x ON x.id = p.id WHERE p.town = 'town 3' ORDER BY 1, 2",
            "WITH t AS (SELECT sale, count(*) AS n FROM pays GROUP BY sale) SELECT a.sale, b.n FROM t a JOIN t b ON b.sale = a.sale + 1 AND a.n = b.n WHERE a.sale < 30 ORDER BY 1",
            "WITH t AS (SELECT sale, count(*) AS n FROM pays GROUP BY sale) SELECT p.id, (SELECT max(n) FROM t WHERE t.sale < p.id) FROM people p WHERE p.id < 20 ORDER BY 1",
            "SELECT p.id, (SELECT max(n) FROM (SELECT sale, count(*) AS n FROM pays GROUP BY sale) z WHERE z.sale > p.id) FROM people p WHERE p.id < 9 ORDER BY 1",
            "SELECT n, count(*) FROM (SELECT sale, count(*) AS n FROM pays GROUP BY sale -- each\n) z GROUP BY n HAVING count(*) > (SELECT count(*) FROM people WHERE id = -1) ORDER BY 1",
            // What is around them is named, or they do not group by the key.
            "SELECT p.id, (SELECT count(*) FROM pays y WHERE y.sale = p.id GROUP BY y.sale) FROM people p WHERE p.id < 30 ORDER BY 1",
            "SELECT p.id, (SELECT count(*) FROM pays WHERE town < kind GROUP BY sale ORDER BY 1 LIMIT 1) FROM people p WHERE p.id < 5 ORDER BY 1",
            "SELECT p.id, z.n FROM people p, LATERAL (SELECT count(*) AS n FROM pays WHERE sale = p.id GROUP BY sale) z WHERE p.id < 30 ORDER BY 1",
            "SELECT p.id, z.n FROM people p JOIN (SELECT kind, count(*) AS n FROM pays GROUP BY kind) z ON z.kind = 'k' || p.id ORDER BY 1",
            "SELECT p.id, z.n FROM people p JOIN (SELECT good, count(*) AS n FROM sales GROUP BY good) z ON z.good = p.id WHERE z.good < 9 ORDER BY 1",
            "SELECT p.id, z.n FROM people p JOIN (SELECT sale, count(*) AS n, count(*) AS n FROM pays GROUP BY sale) z(sale, n, m) ON z.sale = p.id WHERE p.id < 9 ORDER BY 1",
            "WITH pays AS (SELECT 1 AS sale, 2 AS kind) SELECT p.id FROM people p WHERE p.id IN (SELECT sale FROM pays GROUP BY sale) ORDER BY 1",
        ];
        await shop.SetAsync("{ key_lists_from: 0 }");
        await using var reference = await WireClient.ConnectAsync(shop.Reference);
        await using var client = await WireClient.ConnectAsync(shop.Subject);
        foreach (var statement in (string[])[.. statements, "BEGIN", "UPDATE pays SET amount = 500 WHERE sale IN (8, 15)", .. statements, "ALTER TABLE pays ADD COLUMN more int4 DEFAULT 3", .. statements, "SELECT p.id, d.* FROM people p JOIN (SELECT DISTINCT * FROM pays) d ON d.sale = p.id WHERE p.id < 30 ORDER BY 1, 3", "ROLLBACK"])
            await SameAsync(reference, client, new FrontendScript().Query(statement));
        foreach (var statement in statements)
            await SameAsync(reference, client, new FrontendScript().Run(statement, resultFormat: 1).Sync());
        await SameAsync(reference, client, new FrontendScript().Run("SELECT s.id, y.total FROM sales s JOIN (SELECT sale, sum(amount) AS total FROM pays WHERE kind <> $2 GROUP BY sale) y ON y.sale = s.person WHERE y.sale < $1 ORDER BY 1", ["40", "k3"], 1).Sync());
        await SameAsync(reference, client, new FrontendScript().Run("SELECT s.id, y.total FROM sales s JOIN (SELECT sale, sum(amount) AS total FROM pays GROUP BY sale) y ON y.sale = s.person WHERE y.sale < $1 ORDER BY 1", ["40"], 1).Sync());
    }

    [Theory]
    [InlineData("SELECT p.id FROM people p WHERE p.id IN (SELECT sale FROM pays GROUP BY sale HAVING sum(amount) > 60)", "SELECT sale FROM pays GROUP BY sale HAVING sum(amount) > 60")]
    [InlineData("SELECT p.id FROM people p JOIN (SELECT s.id, count(*) AS n FROM sales s JOIN pays y ON y.sale = s.id WHERE s.good = 3 GROUP BY s.id) x ON x.id = p.id", "SELECT s.id FROM sales s JOIN pays y ON y.sale = s.id WHERE s.good = 3 GROUP BY s.id")]
    [InlineData("SELECT s.id FROM sales s JOIN (SELECT sale, sum(amount) AS total FROM pays GROUP BY sale) y ON y.sale = s.person WHERE y.sale BETWEEN 7 AND 19", "SELECT sale FROM pays WHERE sale BETWEEN 7 AND 19 GROUP BY sale")]
    public async Task Only_groups_are_read(string statement, string groups)
    {
        await shop.SetAsync("{ key_lists_from: 1TB }");
        await using var reference = await WireClient.ConnectAsync(shop.Reference);
        await using var client = await WireClient.ConnectAsync(shop.Subject);
        var answer = await client.MustAsync($"EXPLAIN (ANALYZE, FORMAT JSON) {statement}");
        using var document = JsonDocument.Parse(answer.First(static message => message.Type == 'D').TextValues[0]!);
        var read = document.RootElement[0].GetProperty("Plan").GetProperty("Plans").EnumerateArray().Single(static node => node.GetProperty("Node Type").GetString() == "Read of Subquery");
        read.GetProperty("Plans").EnumerateArray().Sum(static shard => shard.GetProperty("Rows").GetInt64())
            .ShouldBe(long.Parse(await reference.ScalarAsync($"SELECT count(*) FROM ({groups}) g"), System.Globalization.CultureInfo.InvariantCulture));
    }

    private static async Task SameAsync(WireClient reference, WireClient subject, FrontendScript script)
    {
        var expected = (await reference.RunAsync(script)).ConvertAll(static message => message.ToString());
        (await subject.RunAsync(script)).ConvertAll(static message => message.ToString()).ShouldBe(expected, script.ToString());
    }
}
