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
        (await client.QueryAsync("EXPLAIN SELECT nothing FROM users")).ShouldContain(static message => message.Type == 'E' && message.SqlState == "42703" && message.Fields['P'] == "16");
    }

    [Fact]
    public async Task As_xml_and_yaml()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        foreach (var statement in (string[])["SELECT id, name FROM users ORDER BY id LIMIT 4", "SELECT product, sum(amount) FROM orders GROUP BY product", "SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1"])
        {
            var xml = System.Xml.Linq.XDocument.Parse(Lines(await client.MustAsync($"EXPLAIN (FORMAT XML, ANALYZE) {statement}")).ShouldHaveSingleItem());
            var space = xml.Root!.Name.Namespace;
            var nodes = xml.Descendants(space + "Node-Type").Select(static node => node.Value).ToList();
            var yaml = Lines(await client.MustAsync($"EXPLAIN (FORMAT YAML, ANALYZE) {statement}")).ShouldHaveSingleItem();
            var document = new YamlDotNet.RepresentationModel.YamlStream();
            document.Load(new StringReader(yaml));
            var types = document.Documents[0].AllNodes.OfType<YamlDotNet.RepresentationModel.YamlMappingNode>()
                .Where(static node => node.Children.ContainsKey("Node Type")).Select(static node => node.Children["Node Type"].ToString()).ToList();
            nodes.Count.ShouldBeGreaterThan(4);
            types.Count.ShouldBe(nodes.Count, yaml);
            types[0].ShouldBe(nodes[0]);
            yaml.ShouldContain("Execution Time: ");
        }
    }

    [Theory]
    [InlineData("SELECT id, name FROM users WHERE balance > $1 ORDER BY id DESC LIMIT $2", "Ordered Merge", "5", "3")]
    [InlineData("SELECT product, sum(amount), string_agg(note, $1 ORDER BY id) FROM orders WHERE id > $2 GROUP BY product", "Statement over Collected Rows", ",", "0")]
    [InlineData("SELECT product, sum(amount) FROM orders WHERE id > $1 GROUP BY product HAVING count(*) > $2", "Statement over Combined Groups", "0", "1")]
    [InlineData("SELECT id FROM users WHERE id IN ($1, $2, 3, 4, 5, 6, 7, 8)", "Concatenation", "1", "2")]
    [InlineData("SELECT a.id, $1 FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.balance > $2", "Gather", "x", "5")]
    [InlineData("SELECT n.body FROM notes n JOIN users u ON u.id = n.id WHERE n.body <> $1 AND u.id + 0 > $2", "Gather", "x", "5")]
    [InlineData("SELECT id, rank() OVER (ORDER BY balance) FROM users WHERE id IN ($1, $2, 3, 4, 5, 6, 7, 8)", "Gather", "1", "2")]
    public async Task With_parameters(string statement, string kind, params string[] values)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        foreach (var options in (string[])["", "(ANALYZE) "])
        {
            var replies = await client.RunAsync(new FrontendScript().Parse($"EXPLAIN {options}{statement}").DescribeStatement().Bind(values).DescribePortal().Execute().Sync());
            replies.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', replies));
            Lines(replies)[0].ShouldBe(kind);
            replies.Single(static message => message.Type == 't').Body[1].ShouldBe((byte)2);
        }
        await client.MustAsync($"PREPARE p AS {statement}");
        var arguments = string.Join(", ", values.Select(static value => $"'{value}'"));
        Lines(await client.MustAsync($"EXPLAIN (ANALYZE, COSTS off) EXECUTE p({arguments})"))[0].ShouldBe(kind);
        var extended = await client.RunAsync(new FrontendScript().Parse($"EXPLAIN EXECUTE p({arguments})").DescribeStatement().Bind().DescribePortal().Execute().Sync());
        extended.Where(static message => message.Type == 'T').ShouldAllBe(static message => message.ToString().Contains("QUERY PLAN", StringComparison.Ordinal));
        Lines(extended)[0].ShouldBe(kind);
    }

    /// <summary>Each read on each shard, with the values that have come with Bind.</summary>
    [Fact]
    public async Task Reads_of_a_gather_have_the_parameters()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        const string Statement = "SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < $1 AND b.id < $1";
        await client.MustAsync($"PREPARE g(int8) AS {Statement}");
        var bound = await client.RunAsync(new FrontendScript().Parse($"EXPLAIN (ANALYZE, FORMAT JSON) {Statement}", "", 20).BindBytes([[0, 0, 0, 0, 0, 0, 0, 7]], [1]).Execute().Sync());
        foreach (var answer in (List<WireMessage>[])[bound, await client.MustAsync("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE g(7)")])
        {
            using var document = JsonDocument.Parse(Lines(answer).ShouldHaveSingleItem());
            var reads = document.RootElement[0].GetProperty("Plan").GetProperty("Plans").EnumerateArray().Where(static node => node.TryGetProperty("Table", out _)).ToList();
            reads.ShouldNotBeEmpty();
            foreach (var read in reads)
            {
                read.GetProperty("Statement").GetString()!.ShouldContain("'7'");
                var shards = read.GetProperty("Plans").EnumerateArray().ToList();
                shards.Count.ShouldBe(3);
                shards.Sum(static shard => shard.GetProperty("Rows").GetInt64()).ShouldBe(6);
                shards.ShouldAllBe(static shard => shard.GetProperty("Execution Time").GetDouble() >= 0);
            }
        }
        (await client.QueryAsync("EXPLAIN EXECUTE g('x')")).ShouldContain(static message => message.Type == 'E' && message.SqlState == "22P02");
    }

    [Fact]
    public async Task With_parameters_on_one_shard()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        foreach (var statement in (string[])["SELECT name FROM users WHERE id = $1", "SELECT id FROM users WHERE id IN ($1, $1)"])
        {
            var replies = await client.RunAsync(new FrontendScript().Parse("EXPLAIN " + statement).Bind(["1"]).Execute().Sync());
            Lines(replies)[0].ShouldContain("users");
            await client.MustAsync($"PREPARE p AS {statement}");
            Lines(await client.MustAsync("EXPLAIN EXECUTE p(1)"))[0].ShouldContain("users");
            await client.MustAsync("DEALLOCATE p");
        }
    }

    private static List<string> Lines(List<WireMessage> messages) =>
        [.. messages.Where(static message => message.Type == 'D').Select(static message => message.TextValues[0])];
}
