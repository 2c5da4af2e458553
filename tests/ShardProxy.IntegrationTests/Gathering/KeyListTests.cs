using System.Text.Json;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>
/// Semi-joins: what one side of a join has found cuts down the reads of the other. Answers are one PostgreSQL's, whether
/// the keys are sent or not, and far fewer rows are read where they are.
/// </summary>
public sealed class KeyListTests(KeyListShop shop) : IClassFixture<KeyListShop>
{
    private const string Always = "{ key_lists_from: 0 }";
    private const string Never = "{ key_lists_from: 1TB }";

    [Fact]
    public async Task Answers_are_those_of_one_server()
    {
        string[] statements =
        [
            "SELECT p.id, s.id FROM people p JOIN sales s ON s.person = p.id WHERE p.town = 'town 3' ORDER BY 1, 2",
            "SELECT p.id, s.id FROM people p LEFT JOIN sales s ON s.person = p.id AND s.amount > 10 WHERE p.id < 40 ORDER BY 1, 2",
            "SELECT p.id, s.id FROM sales s RIGHT JOIN people p ON s.person = p.id WHERE p.id < 40 ORDER BY 1, 2",
            "SELECT p.id, s.id FROM people p FULL JOIN sales s ON s.person = p.id WHERE p.id < 5 OR s.id < 5 ORDER BY 1, 2",
            "SELECT p.id, s.id FROM people p FULL JOIN sales s ON s.person = p.id AND p.town = 'town 3' ORDER BY 1, 2 LIMIT 50",
            "SELECT count(*) FROM people p LEFT JOIN sales s ON s.person = p.id WHERE s.placed = '2024-01-05' OR s.id IS NULL",
            "SELECT p.id, s.id, l.id FROM people p, sales s, lines l WHERE s.person = p.id AND l.sale = s.id AND p.town = 'town 3' ORDER BY 1, 2, 3",
            "SELECT l.id FROM lines l JOIN sales s ON s.id = l.sale JOIN people p ON p.id = s.person AND p.code = 'c17' ORDER BY 1",
            "SELECT s.id FROM sales s WHERE s.person IN (SELECT id FROM people WHERE town = 'town 4') ORDER BY 1",
            "SELECT p.id, s.id, y.id FROM people p JOIN sales s ON s.person = p.id JOIN pays y ON y.sale = s.id WHERE p.town = 'town 3' ORDER BY 1, 2, 3",
            "SELECT p.id, s.id, y.id FROM people p JOIN sales s ON s.person = p.id LEFT JOIN pays y ON y.sale = s.id AND y.kind = 'k3' WHERE p.town = 'town 3' ORDER BY 1, 2, 3",
            "SELECT p.id, s.id, y.id FROM people p RIGHT JOIN (sales s RIGHT JOIN pays y ON y.sale = s.id AND s.good = 3) ON s.person = p.id WHERE y.kind = 'k7' ORDER BY 1, 2, 3",
            "SELECT y.id FROM pays y WHERE y.kind = 'k1' AND EXISTS (SELECT * FROM sales s JOIN people p ON p.id = s.person WHERE s.id = y.sale AND p.town = 'town 5') ORDER BY 1",
            "SELECT p.id, (SELECT sum(y.amount) FROM sales s JOIN pays y ON y.sale = s.id WHERE s.person = p.id) FROM people p WHERE p.id < 30 ORDER BY 1",
            "SELECT s.id, count(*) FROM sales s JOIN pays y ON y.sale = s.id JOIN pays z ON z.sale = s.id AND z.kind = 'k2' JOIN people p ON p.id = s.person WHERE s.good IN (3, 4) GROUP BY s.id ORDER BY 1",
            "SELECT s.id FROM sales s WHERE s.person NOT IN (SELECT id FROM people WHERE town <> 'town 4') ORDER BY 1",
            "SELECT p.id FROM people p WHERE EXISTS (SELECT * FROM sales s WHERE s.person = p.id AND s.placed < '2024-01-04') ORDER BY 1",
            "SELECT p.id FROM people p WHERE NOT EXISTS (SELECT * FROM sales s WHERE s.person = p.id AND s.placed < '2024-03-04') ORDER BY 1",
            "SELECT p.id FROM people p WHERE EXISTS (SELECT count(*) FROM sales s WHERE s.person = p.id AND s.placed < '2023-01-04') AND p.id < 10 ORDER BY 1",
            "SELECT p.id, (SELECT sum(amount) FROM sales s WHERE s.person = p.id) FROM people p WHERE p.town = 'town 1' ORDER BY 1",
            "SELECT p.id, (SELECT count(*) FROM sales WHERE person = p.id) FROM people p WHERE p.id BETWEEN 3 AND 7 ORDER BY 1",
            "SELECT p.id, x.id FROM people p, LATERAL (SELECT s.id FROM sales s WHERE s.person = p.id ORDER BY s.placed, s.id LIMIT 2) x WHERE p.town = 'town 1' ORDER BY 1, 2",
            "SELECT s.id FROM sales s JOIN goods g ON g.id = s.good WHERE g.title = 'good 5' AND s.id IN (SELECT sale FROM lines) ORDER BY 1",
            "SELECT m.mark, s.id FROM marks m LEFT JOIN sales s ON s.person = m.person ORDER BY 1, 2",
            "SELECT p.id, s.id FROM people p JOIN sales s ON s.code = p.code WHERE p.id < 20 ORDER BY 1, 2",
            "SELECT a.id, b.id FROM lines a JOIN lines b ON a.note = b.note WHERE a.id < 3 AND b.sale < 20 ORDER BY 1, 2",
            "SELECT p.id, s.id FROM people p JOIN sales s ON s.placed = p.born + 16000 WHERE p.id < 60 ORDER BY 1, 2",
            "SELECT p.id FROM people p JOIN sales s ON p.id = s.person AND s.id = 70 OR p.id = s.person AND s.id = 71 ORDER BY 1",
            "SELECT p.id FROM people p JOIN sales s ON p.id = s.person AND s.id = 70 OR p.id = s.good AND s.id = 71 ORDER BY 1",
            "WITH t AS (SELECT id FROM people WHERE town = 'town 6') SELECT s.id FROM sales s JOIN t ON t.id = s.person ORDER BY 1",
            "WITH t AS (SELECT person, count(*) AS n FROM sales GROUP BY person) SELECT p.id, t.n FROM people p JOIN t ON t.person = p.id WHERE p.town = 'town 6' ORDER BY 1",
            "SELECT s.id, x.town FROM sales s LEFT JOIN (SELECT id AS who, town FROM people WHERE id < 10) x ON x.who = s.person WHERE s.id < 60 ORDER BY 1",
            "SELECT id FROM people WHERE id IN (SELECT person FROM sales WHERE good = 3 UNION SELECT person FROM sales WHERE good = 4) ORDER BY 1",
            "SELECT p.town, count(*), grouping(p.town) FROM people p JOIN sales s ON s.person = p.id WHERE p.id < 30 GROUP BY ROLLUP (p.town) ORDER BY 1",
            "SELECT p.id, s.id FROM people p JOIN sales s ON s.person = p.id WHERE p.town = 'nowhere' ORDER BY 1",
            "SELECT u.id FROM people u JOIN sales v ON v.person = u.id JOIN people w ON w.id = v.good WHERE u.town = 'town 2' AND w.town = 'town 5' ORDER BY 1",
        ];
        await using var reference = await WireClient.ConnectAsync(shop.Reference);
        foreach (var gather in (string[])[Always, Never])
        {
            await shop.SetAsync(gather);
            await using var client = await WireClient.ConnectAsync(shop.Subject);
            foreach (var statement in statements)
                await SameAsync(reference, client, new FrontendScript().Query(statement));
            foreach (var statement in statements)
                await SameAsync(reference, client, new FrontendScript().Run(statement, resultFormat: 1).Sync());
            // In a block of READ COMMITTED, tables that stay where they are say nothing.
            foreach (var statement in (string[])["BEGIN", "UPDATE people SET town = 'town 3' WHERE id = 11", .. statements, "ROLLBACK"])
                await SameAsync(reference, client, new FrontendScript().Query(statement));
        }
    }

    [Theory]
    [InlineData("SELECT p.id, s.id FROM people p JOIN sales s ON s.person = p.id WHERE p.town = 'town 3'", "sales", 3000, 150)]
    [InlineData("SELECT p.id, s.id, l.id FROM people p, sales s, lines l WHERE s.person = p.id AND l.sale = s.id AND p.town = 'town 3'", "lines", 6000, 300)]
    [InlineData("SELECT p.id FROM people p LEFT JOIN sales s ON s.person = p.id WHERE p.id < 5", "sales", 3000, 40)]
    [InlineData("SELECT s.id FROM sales s WHERE s.person IN (SELECT id FROM people WHERE town = 'town 4')", "sales", 3000, 150)]
    [InlineData("SELECT p.id FROM people p WHERE EXISTS (SELECT * FROM sales s WHERE s.person = p.id AND s.id < 10)", "people", 400, 10)]
    [InlineData("SELECT count(*), sum(s.amount), mode() WITHIN GROUP (ORDER BY s.id) FROM sales s JOIN goods g ON g.id = s.good WHERE g.title = 'good 5'", "sales", 3000, 100)]
    [InlineData("SELECT m.mark, s.id FROM marks m JOIN sales s ON s.person = m.person", "sales", 3000, 60)]
    // Each shard looks for the sales among its own.
    [InlineData("SELECT p.id, y.id FROM people p JOIN sales s ON s.person = p.id JOIN pays y ON y.sale = s.id WHERE p.town = 'town 3'", "pays", 4000, 200)]
    [InlineData("SELECT rank() OVER (ORDER BY l.id), y.id FROM sales s JOIN pays y ON y.sale = s.id JOIN lines l ON l.id = s.good WHERE s.good = 7", "pays", 4000, 200)]
    [InlineData("SELECT rank() OVER (ORDER BY l.id), y.id FROM sales s RIGHT JOIN pays y ON y.sale = s.id LEFT JOIN lines l ON l.id = s.good AND s.good = 7", "pays", 4000, 4000)]
    // Rows without a partner count here, or the keys would leave out nothing.
    [InlineData("SELECT p.id, s.id FROM people p RIGHT JOIN sales s ON s.person = p.id WHERE p.town = 'town 3' OR p.id IS NULL", "sales", 3000, 3000)]
    [InlineData("SELECT p.id FROM people p FULL JOIN sales s ON s.person = p.id", "sales", 3000, 3000)]
    [InlineData("SELECT s.id FROM sales s WHERE s.person NOT IN (SELECT id FROM people WHERE town = 'town 4')", "sales", 3000, 3000)]
    [InlineData("SELECT p.id, s.id FROM people p JOIN sales s ON s.person = p.id", "sales", 3000, 3000)]
    public async Task Rows_that_are_read(string statement, string table, int before, int most)
    {
        await shop.SetAsync(Never);
        (await RowsReadAsync(statement, table)).ShouldBe(before);
        await shop.SetAsync(Always);
        var read = await RowsReadAsync(statement, table);
        read.ShouldBeLessThanOrEqualTo(most);
        if (most == before)
            read.ShouldBe(before);
    }

    /// <summary>The values come with Bind, in both formats, and so do the keys that they leave.</summary>
    [Fact]
    public async Task With_parameters()
    {
        await using var reference = await WireClient.ConnectAsync(shop.Reference);
        await shop.SetAsync(Always);
        await using var client = await WireClient.ConnectAsync(shop.Subject);
        foreach (var format in (short[])[0, 1])
        {
            await SameAsync(reference, client, new FrontendScript().Run("SELECT p.id, s.id FROM people p JOIN sales s ON s.person = p.id WHERE p.town = $1 ORDER BY 1, 2", ["town 3"], format).Sync());
            await SameAsync(reference, client, new FrontendScript().Run("SELECT s.id FROM sales s JOIN goods g ON g.id = s.good WHERE g.title = $1 AND s.placed > $2 AND s.id IN (SELECT sale FROM lines) ORDER BY 1", ["good 5", "2024-02-01"], format).Sync());
        }
    }

    /// <summary>A statement that may bring little together is answered, because the shards look at the parameter.</summary>
    [Fact]
    public async Task Parameters_cut_down_what_is_read()
    {
        await shop.SetAsync("{ max_bytes: 64kB }");
        await using var reference = await WireClient.ConnectAsync(shop.Reference);
        await using var client = await WireClient.ConnectAsync(shop.Subject);
        const string Sql = "SELECT *, rank() OVER (ORDER BY id) FROM sales WHERE id < $1 ORDER BY 1";
        await SameAsync(reference, client, new FrontendScript().Parse(Sql).Bind(["20"]).Execute().Sync());
        await SameAsync(reference, client, new FrontendScript().Parse(Sql, "", 20).BindBytes([[0, 0, 0, 0, 0, 0, 0, 20]], [1]).Execute().Sync());
        (await client.RunAsync(new FrontendScript().Run(Sql, ["100000"]).Sync())).ShouldContain(static message => message.Type == 'E' && message.SqlState == "54000");
    }

    private static async Task SameAsync(WireClient reference, WireClient subject, FrontendScript script)
    {
        var expected = (await reference.RunAsync(script)).ConvertAll(static message => message.ToString());
        (await subject.RunAsync(script)).ConvertAll(static message => message.ToString()).ShouldBe(expected, script.ToString());
    }

    private async Task<long> RowsReadAsync(string statement, string table)
    {
        await using var client = await WireClient.ConnectAsync(shop.Subject);
        var answer = await client.MustAsync($"EXPLAIN (ANALYZE, FORMAT JSON) {statement}");
        using var document = JsonDocument.Parse(answer.First(static message => message.Type == 'D').TextValues[0]!);
        var root = document.RootElement[0].GetProperty("Plan");
        root.GetProperty("Node Type").GetString().ShouldBe("Gather");
        return root.GetProperty("Plans").EnumerateArray()
            .Where(node => node.TryGetProperty("Table", out var name) && name.GetString() == $"public.{table}")
            .SelectMany(static node => node.GetProperty("Plans").EnumerateArray())
            .Sum(static shard => shard.GetProperty("Rows").GetInt64());
    }
}
