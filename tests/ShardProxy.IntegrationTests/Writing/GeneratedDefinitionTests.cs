using System.Globalization;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>
/// Generated definitions, and reads and writes between them, by themselves and in transactions, beside one PostgreSQL: what is
/// answered, what the tables hold, what the catalogs say, and that no shard's catalogs say something else than the others'.
/// SHARDPROXY_TEST_SEEDS (such as 7-20) chooses others.
/// </summary>
public sealed class GeneratedDefinitionTests(DefinitionCluster cluster, ITestOutputHelper output) : IClassFixture<DefinitionCluster>, IAsyncLifetime
{
    private static readonly int StatementsPerSeed = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 1000 : 80;

    public Task InitializeAsync() => DefinitionSchema.CreateAsync(cluster.Cluster, cluster.Subject);

    public Task DisposeAsync() => DefinitionSchema.DropAsync(cluster.Cluster, cluster.Subject);

    public static TheoryData<int> Seeds()
    {
        var range = (Environment.GetEnvironmentVariable("SHARDPROXY_TEST_SEEDS") ?? "1-3").Split('-').Select(static text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        return [.. Enumerable.Range(range[0], range[^1] - range[0] + 1)];
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Definitions_are_those_of_one_server(int seed)
    {
        var generator = new DefinitionGenerator(seed);
        await using var beside = await WritesBeside.ConnectAsync(cluster.Cluster.ReferenceEndpoint, cluster.Subject, DefinitionSchema.State, anyWrongValue: true);
        while (beside.Count < StatementsPerSeed)
        {
            var after = string.Join(";\n", await GeneratedSteps.StepAsync(beside, generator));
            await beside.SameStateAsync(after);
            await SameShardsAsync(after);
        }
        output.WriteLine($"{100.0 * beside.Refused / beside.Count:0.00} % of {beside.Count} statements refused");
        beside.Refused.ShouldBeLessThan(beside.Count / 8);
    }

    private async Task SameShardsAsync(string after)
    {
        foreach (var query in DefinitionSchema.OnEveryShard)
        {
            var rows = $"SELECT coalesce(string_agg(t::text, E'\\n'), '') FROM ({query}) t";
            var home = await cluster.Cluster.Home.ScalarAsync<string>(rows);
            foreach (var shard in cluster.Cluster.Shards.Skip(1))
                (await shard.ScalarAsync<string>(rows)).ShouldBe(home, $"{query}\nafter {after}");
        }
    }
}
