using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;
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
            var said = generator.Roll(3) == 0 ? await BlockAsync(beside, generator) : [await OneAsync(beside, generator)];
            count += said.Count;
            await beside.SameStateAsync(string.Join(";\n", said));
        }
        output.WriteLine($"{100.0 * beside.Refused / beside.Count:0.00} % of {beside.Count} statements refused");
        // The generator makes a few that must be: a subquery over all accounts.
        beside.Refused.ShouldBeLessThan(beside.Count / 10);
    }

    private static async Task<string> OneAsync(WritesBeside beside, WriteGenerator generator)
    {
        var statement = generator.Next();
        await beside.SameOrRefusedAsync(Script(statement, generator), statement, inBlock: false);
        return statement;
    }

    /// <summary>BEGIN to COMMIT or ROLLBACK, with savepoints; in one simple Query now and then.</summary>
    private static async Task<List<string>> BlockAsync(WritesBeside beside, WriteGenerator generator)
    {
        var said = new List<string> { "BEGIN" };
        await beside.SameAsync("BEGIN");
        for (var left = 1 + generator.Roll(5); left > 0; left--)
        {
            var statement = generator.Roll(5) switch
            {
                0 => "SAVEPOINT s",
                1 when said.Contains("SAVEPOINT s") => "ROLLBACK TO s",
                _ => generator.Next(),
            };
            said.Add(statement);
            if (!await beside.SameOrRefusedAsync(Script(statement, generator), statement, inBlock: true))
                return said;
        }
        said.Add(generator.Roll(4) == 0 ? "ROLLBACK" : "COMMIT");
        await beside.SameAsync(said[^1]);
        return said;
    }

    private static FrontendScript Script(string statement, WriteGenerator generator) => generator.Roll(3) switch
    {
        0 => new FrontendScript().Run(statement).Sync(),
        1 => new FrontendScript().Run(statement, resultFormat: 1).Sync(),
        _ => new FrontendScript().Query(statement),
    };
}
