using System.Text.Json;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>EXPLAIN of SELECTs over several shards shows how they are answered, with each shard's own plan.</summary>
[Collection(LabCollection.Name)]
public sealed class ExplainTests(Lab lab)
{
    [Theory]
    [InlineData("SELECT id, name FROM users ORDER BY id DESC LIMIT 3", "Ordered Merge", "Merge Key: column 1 DESC", "Limit: 3", "Shard: s0", "Shard: s2", "Statement: SELECT")]
    [InlineData("SELECT id FROM users", "Concatenation", "Shards: s0, s1, s2", "Seq Scan on users", "Index Only Scan")]
    [InlineData("SELECT product, sum(amount) FROM orders GROUP BY product HAVING sum(amount) > 5", "Statement over Combined Groups", "Combination of Groups", "Group Key: column 1 (hashed)", "Aggregates: sum", "HashAggregate")]
    [InlineData("SELECT count(*) FROM users", "Sum of Counts", "Aggregate")]
    [InlineData("SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 9", "Gather", "Read of Table", "Table: public.users", "Statement over Gathered Rows", "WHERE (gathered.\"id\"")]
    public async Task Text(string statement, params string[] expected)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        var lines = Lines(await client.MustAsync($"EXPLAIN {statement}"));
        var whole = string.Join('\n', lines);
        // Which plan a server makes of a small table is its own affair.
        expected.Count(part => whole.Contains(part, StringComparison.Ordinal)).ShouldBeGreaterThanOrEqualTo(expected.Length - 1, whole);
        whole.ShouldContain(expected[0]);
        whole.ShouldNotContain("Actual");

        var run = new FrontendScript().Parse($"EXPLAIN (ANALYZE, TIMING off) {statement}").DescribeStatement().Bind().DescribePortal().Execute().Sync();
        var analyzed = await client.RunAsync(run);
        analyzed.ShouldNotContain(static message => message.Type == 'E');
        string.Join('\n', Lines(analyzed)).ShouldContain("actual rows=");
        analyzed.ShouldContain(static message => message.Type == 'T' && message.ToString().Contains("QUERY PLAN", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rows_and_bytes_are_reported()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        var json = Lines(await client.MustAsync("EXPLAIN (FORMAT JSON, ANALYZE) SELECT id, name FROM users ORDER BY id LIMIT 4")).ShouldHaveSingleItem();
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement[0].GetProperty("Plan");
        root.GetProperty("Node Type").GetString().ShouldBe("Ordered Merge");
        root.GetProperty("Actual Rows").GetInt32().ShouldBe(4);
        // No shard gives more than the LIMIT, and none is read further than the merge needs.
        root.GetProperty("Rows Fetched").GetInt32().ShouldBeInRange(4, 12);
        root.GetProperty("Plans").GetArrayLength().ShouldBe(3);
        foreach (var shard in root.GetProperty("Plans").EnumerateArray())
        {
            shard.GetProperty("Statement").GetString()!.ShouldContain("LIMIT");
            shard.GetProperty("Bytes").GetInt64().ShouldBeGreaterThan(0);
            shard.GetProperty("Execution Time").GetDouble().ShouldBeGreaterThanOrEqualTo(0);
            shard.GetProperty("Plans")[0].GetProperty("Node Type").GetString().ShouldNotBeNull();
        }
        using var gathered = JsonDocument.Parse(Lines(await client.MustAsync("EXPLAIN (ANALYZE on, FORMAT JSON) SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1"))[0]);
        gathered.RootElement[0].GetProperty("Plan").GetProperty("Plans")[0].GetProperty("Plans")[1].GetProperty("Bytes").GetInt64().ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task One_shard_or_several_as_the_keys_say()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        Lines(await client.MustAsync("EXPLAIN SELECT id FROM users WHERE id IN (1, 2, 3, 4, 5, 6)"))[0].ShouldBe("Concatenation");
        Lines(await client.MustAsync("EXPLAIN SELECT id FROM users WHERE id IN (1, 1)"))[0].ShouldNotBe("Concatenation");
        await client.MustAsync("BEGIN READ ONLY");
        Lines(await client.MustAsync("EXPLAIN ANALYZE SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1"))[0].ShouldBe("Gather");
        Lines(await client.MustAsync("EXPLAIN ANALYZE SELECT name FROM users ORDER BY id"))[0].ShouldBe("Ordered Merge");
        await client.MustAsync("COMMIT");
        (await client.QueryAsync("EXPLAIN (FORMAT XML) SELECT id FROM users")).ShouldContain(static message => message.Type == 'E' && message.SqlState == "0A000");
        (await client.QueryAsync("EXPLAIN SELECT nothing FROM users")).ShouldContain(static message => message.Type == 'E' && message.SqlState == "42703" && message.Fields['P'] == "16");
    }

    private static List<string> Lines(List<WireMessage> messages) =>
        [.. messages.Where(static message => message.Type == 'D').Select(static message => message.TextValues[0])];
}
