using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>What a seed makes for one side and the other: a statement by itself, or a block with savepoints.</summary>
internal interface IStatementGenerator
{
    int Roll(int sides);

    /// <param name="inBlock">A block is open.</param>
    string Next(bool inBlock);
}

/// <summary>Says generated statements on both sides and compares the answers.</summary>
internal static class GeneratedSteps
{
    /// <returns>What was said.</returns>
    public static async Task<List<string>> StepAsync(WritesBeside beside, IStatementGenerator generator)
    {
        if (generator.Roll(3) == 0)
            return await BlockAsync(beside, generator);
        var statement = generator.Next(inBlock: false);
        await beside.SameOrRefusedAsync(Script(statement, generator), statement, inBlock: false);
        return [statement];
    }

    /// <summary>BEGIN to COMMIT or ROLLBACK.</summary>
    private static async Task<List<string>> BlockAsync(WritesBeside beside, IStatementGenerator generator)
    {
        var said = new List<string> { "BEGIN" };
        await beside.SameAsync("BEGIN");
        for (var left = 1 + generator.Roll(5); left > 0; left--)
        {
            var statement = generator.Roll(5) switch
            {
                0 => "SAVEPOINT s",
                1 when said.Contains("SAVEPOINT s") => "ROLLBACK TO s",
                _ => generator.Next(inBlock: true),
            };
            said.Add(statement);
            if (!await beside.SameOrRefusedAsync(Script(statement, generator), statement, inBlock: true))
                return said;
        }
        said.Add(generator.Roll(4) == 0 ? "ROLLBACK" : "COMMIT");
        await beside.SameAsync(said[^1]);
        return said;
    }

    private static FrontendScript Script(string statement, IStatementGenerator generator) => generator.Roll(3) switch
    {
        0 => new FrontendScript().Run(statement).Sync(),
        1 => new FrontendScript().Run(statement, resultFormat: 1).Sync(),
        _ => new FrontendScript().Query(statement),
    };
}
