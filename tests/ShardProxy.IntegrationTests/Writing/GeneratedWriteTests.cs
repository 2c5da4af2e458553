using ShardProxy.IntegrationTests.Fixtures;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>Generated writes and transactions beside one PostgreSQL: tags, rows returned, SQLSTATEs, and what the tables hold afterwards.</summary>
[Collection(LabCollection.Name)]
public sealed class GeneratedWriteTests(Lab lab, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly int StatementsPerSeed = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 2500 : 120;

    public Task InitializeAsync() => WriteSchema.CreateAsync(lab);

    public Task DisposeAsync() => WriteSchema.DropAsync(lab);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Writes_are_those_of_one_server(int seed)
    {
        var generator = new WriteGenerator(seed);
        await using var beside = await WritesBeside.ConnectAsync(lab);
        for (var count = 0; count < StatementsPerSeed;)
        {
            var said = await GeneratedSteps.StepAsync(beside, generator);
            count += said.Count;
            await beside.SameStateAsync(string.Join(";\n", said));
        }
        output.WriteLine($"{100.0 * beside.Refused / beside.Count:0.00} % of {beside.Count} statements refused");
        // The generator makes a few that must be: a subquery over all accounts.
        beside.Refused.ShouldBeLessThan(beside.Count / 10);
    }
}
