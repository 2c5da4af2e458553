using ShardProxy.IntegrationTests.Wire;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Routing.Keys;

/// <summary>
/// For each strategy: whatever a statement says of keys, by whatever kind of condition, its answer is that of one PostgreSQL
/// that holds all rows. Seeded; SHARDPROXY_TEST_LONG=1 makes it long.
/// </summary>
public sealed class KeyPropertyTests(KeyLab lab, ITestOutputHelper output) : IClassFixture<KeyLab>
{
    private const int MostRefusedPercent = 1;

    private static readonly int Rounds = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 40 : 2;

    [Theory]
    [InlineData("hash")]
    [InlineData("range")]
    [InlineData("list")]
    [InlineData("lookup")]
    [InlineData("zone")]
    [InlineData("zone_range")]
    [InlineData("zone_list")]
    [InlineData("zone_lookup")]
    public async Task Any_key_is_found_again_by_every_kind_of_condition(string strategy)
    {
        await using var subject = await WireClient.ConnectAsync(lab.Proxy.Endpoint);
        await using var reference = await WireClient.ConnectAsync(lab.Cluster.ReferenceEndpoint);
        var count = 0;
        var refused = new List<string>();
        foreach (var pool in KeyPool.All)
        {
            var table = $"{strategy}_{pool.Name}";
            await lab.FillAsync(subject, reference, table, pool, ArgumentsOf(strategy, pool), oneZoneForKey: strategy == "zone_lookup");
            var statements = new KeyStatements(pool, table, seed: 20261122);
            for (var index = 0; index < Rounds * KeyStatements.FormCount; index++)
            {
                var statement = statements.Next(index % KeyStatements.FormCount);
                var script = await statement.ToScriptAsync(lab.BinaryAsync, extended: index / KeyStatements.FormCount % 2 == 1);
                count++;
                var actual = await subject.RunAsync(script);
                if (actual.Any(static message => message is { Type: 'E', SqlState: "0A000" }))
                    refused.Add(statement.ToString());
                else
                    Lines(actual).ShouldBe(Lines(await reference.RunAsync(script)), statement.ToString());
            }
            Lines(await subject.QueryAsync($"SELECT * FROM {table}")).ShouldBe(Lines(await reference.QueryAsync($"SELECT * FROM {table}")), table);
        }
        output.WriteLine($"{refused.Count} of {count} refused");
        foreach (var statement in refused)
            output.WriteLine(statement);
        refused.Count.ShouldBeLessThanOrEqualTo(count * MostRefusedPercent / 100);
    }

    private static string ArgumentsOf(string strategy, KeyPool pool)
    {
        var zones = strategy.StartsWith("zone", StringComparison.Ordinal) ? ", zone_column => 'region', zones => '(eu, ch) on s0 s1, (us) on s2 s1'" : "";
        return strategy switch
        {
            "range" or "zone_range" => $", strategy => 'range', ranges => {KeyPool.Quote(pool.Ranges(withShards: zones.Length == 0))}",
            "list" => $", strategy => 'list', lists => {KeyPool.Quote(pool.Lists)}",
            "zone_list" => $", strategy => 'list', lists => {KeyPool.Quote(pool.Lists.Replace(" on s0", "", StringComparison.Ordinal).Replace(" on s1", "", StringComparison.Ordinal).Replace(" on s2", "", StringComparison.Ordinal))}",
            "lookup" or "zone_lookup" => ", strategy => 'lookup'",
            _ => "",
        } + zones;
    }

    /// <summary>Rows in any order, the tag, and of an error which it is.</summary>
    private static List<string> Lines(List<WireMessage> messages) =>
    [
        .. messages.Where(static message => message.Type is 'D' or 'C' or 'E')
            .Select(static message => message.Type == 'E' ? message.SqlState : message.ToString())
            .Order(StringComparer.Ordinal),
    ];
}
