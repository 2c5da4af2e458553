using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>Generated SELECTs over several shards beside one PostgreSQL: in the simple protocol, and in the extended one in both formats.</summary>
[Collection(LabCollection.Name)]
public sealed class SpreadSelectTests(Lab lab, ITestOutputHelper output)
{
    private static readonly int StatementsPerSeed = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 3000 : 100;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Answers_are_those_of_one_server(int seed)
    {
        var generator = new SpreadGenerator(seed);
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        var refused = 0;
        for (var count = 0; count < StatementsPerSeed; count++)
        {
            var statement = generator.Next(out var isOrdered);
            foreach (var script in (FrontendScript[])
                     [
                         new FrontendScript().Query(statement), new FrontendScript().Run(statement).Sync(), new FrontendScript().Run(statement, resultFormat: 1).Sync(),
                     ])
            {
                var actual = await subject.RunAsync(script);
                if (actual.Any(static message => message is { Type: 'E', SqlState: "0A000" }))
                {
                    refused++;
                    continue;
                }
                var expected = await reference.RunAsync(script);
                Lines(actual, isOrdered).ShouldBe(Lines(expected, isOrdered), statement);
            }
        }
        output.WriteLine($"{100.0 * refused / (3 * StatementsPerSeed):0.00} % refused");
        refused.ShouldBeLessThanOrEqualTo(3 * StatementsPerSeed / 100);
    }

    /// <summary>Several keys, parameters, blocks and errors.</summary>
    [Fact]
    public async Task Parameters_and_blocks()
    {
        var differential = new Differential(lab);
        await differential.SameAsync(
            new FrontendScript().Run("SELECT count(*), sum(balance) FROM users WHERE id = ANY ($1)", ["{1,2,3}"]).Sync(),
            new FrontendScript().Run("SELECT count(*) FROM users WHERE balance > $1", ["10"]).Sync(),
            new FrontendScript().Run("SELECT id FROM users WHERE id IN ($1, $2) ORDER BY id DESC", ["1", "2"]).Sync(),
            new FrontendScript().Run("SELECT id FROM users ORDER BY id LIMIT $1 OFFSET $2", ["3", "4"], resultFormat: 1).Sync(),
            new FrontendScript().Run("SELECT id FROM users ORDER BY 1 / (id - 3)").Sync(),
            new FrontendScript().Query("BEGIN; SELECT id FROM users ORDER BY id LIMIT 2; SELECT product, count(*) FROM orders GROUP BY product ORDER BY 1; COMMIT"),
            new FrontendScript().Query("BEGIN"),
            new FrontendScript().Query("SELECT id FROM users ORDER BY 1 / (id - 3)"),
            new FrontendScript().Query("SELECT 1"),
            new FrontendScript().Query("ROLLBACK"),
            new FrontendScript().Query("SELECT nope FROM users ORDER BY 1"),
            new FrontendScript().Query("SELECT count(*) FROM users WHERE id IN (1, 2, 3)"));
    }

    /// <summary>What <see cref="Generated.GeneratedSelectTests"/> found.</summary>
    [Theory]
    [InlineData("SELECT DISTINCT product, id FROM orders ORDER BY 1, 1 FETCH FIRST 1 ROWS WITH TIES")]
    [InlineData("SELECT count(*) FROM (SELECT DISTINCT product, amount FROM orders ORDER BY 1, 1 FETCH FIRST 2 ROWS WITH TIES) x")]
    [InlineData("SELECT u.id, v.t FROM (VALUES (1, 'x'), (2, 'y'), (3, NULL)) v(n, t) JOIN users u ON u.id = v.n ORDER BY u.feeling, u.id LIMIT 2")]
    public async Task Found_by_generated_statements(string statement)
    {
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        await using var reference = await WireClient.ConnectAsync(lab.Reference);
        foreach (var script in (FrontendScript[])[new FrontendScript().Query(statement), new FrontendScript().Run(statement).Sync(), new FrontendScript().Run(statement, resultFormat: 1).Sync()])
            Lines(await subject.RunAsync(script), isOrdered: false).ShouldBe(Lines(await reference.RunAsync(script), isOrdered: false), statement);
    }

    private static List<string> Lines(List<WireMessage> messages, bool isOrdered)
    {
        var lines = messages.Select(static message => message.ToString()).ToList();
        if (!isOrdered)
            lines.Sort(string.CompareOrdinal);
        return lines;
    }
}
