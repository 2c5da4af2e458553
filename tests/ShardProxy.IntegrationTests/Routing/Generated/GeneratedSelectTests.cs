using System.Diagnostics;
using System.Globalization;
using ShardProxy.IntegrationTests.Wire;
using Xunit.Abstractions;

namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>
/// Generated SELECTs over generated tables, on one PostgreSQL and over 1, 2 and 5 shards. Each statement goes in one of the
/// protocol's ways: simple, extended with text, extended with binary parameters and results. SHARDPROXY_TEST_SEEDS (such as
/// 7-20) and SHARDPROXY_TEST_STATEMENTS choose others; a difference is made small before it is shown.
/// </summary>
public sealed class GeneratedSelectTests(ShardCounts shards, ITestOutputHelper output) : IClassFixture<ShardCounts>
{
    private const string Timeout = "SET statement_timeout = '5s'";

    private static readonly bool IsLong = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1";

    private static readonly int Statements =
        int.Parse(Environment.GetEnvironmentVariable("SHARDPROXY_TEST_STATEMENTS") ?? (IsLong ? "2500" : "300"), CultureInfo.InvariantCulture);

    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("SHARDPROXY_TEST_FIRST") ?? "0", CultureInfo.InvariantCulture);

    public static TheoryData<int> Seeds()
    {
        var range = (Environment.GetEnvironmentVariable("SHARDPROXY_TEST_SEEDS") ?? (IsLong ? "1-10" : "1-4")).Split('-').Select(static text => int.Parse(text, CultureInfo.InvariantCulture)).ToArray();
        return [.. Enumerable.Range(range[0], range[^1] - range[0] + 1)];
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Answers_are_those_of_one_server(int seed)
    {
        var schema = new GeneratedSchema(seed);
        await shards.CreateAsync(schema);
        try
        {
            await CompareAsync(seed, schema);
        }
        finally
        {
            await shards.DropAsync(schema);
        }
    }

    private async Task CompareAsync(int seed, GeneratedSchema schema)
    {
        await using var runner = await StatementRunner.StartAsync(shards, Timeout);
        var clock = Stopwatch.StartNew();
        var differences = new List<string>();
        for (var number = First; number < First + Statements; number++)
        {
            var choices = new Choices((seed * 100_000) + number);
            var statement = StatementWriter.Write(choices, schema);
            if (await runner.DifferenceAsync(statement, number) is not { } difference)
                continue;
            var small = await Shrinker.ShrinkAsync(
                choices.Drawn, async given => await runner.DifferenceAsync(StatementWriter.Write(new Choices(given), schema), number, counts: false) is not null);
            var shrunk = StatementWriter.Write(new Choices(small), schema);
            differences.Add($"seed {seed}, statement {number}, {StatementRunner.WayOf(shrunk, number)}\n{shrunk}\n{await runner.DifferenceAsync(shrunk, number, counts: false) ?? difference}");
            if (differences.Count == 10)
                break;
        }
        output.WriteLine($"seed {seed}: {runner.Asked} answers in {clock.Elapsed.TotalSeconds:0} s, {100.0 * runner.Refusals.Count / Math.Max(1, runner.Asked):0.00} % refused, {100.0 * runner.Errors / Math.Max(1, runner.Asked):0.0} % errors, {runner.Timeouts} timeouts");
        foreach (var refusal in runner.Refusals.Take(20))
            output.WriteLine(refusal);
        if (Environment.GetEnvironmentVariable("SHARDPROXY_TEST_DIFFERENCES") is { } file)
            await File.AppendAllTextAsync(file, string.Join("\n\n", differences.Concat(runner.Refusals)) + $"\n\nseed {seed}: {runner.Asked} answers, {runner.Refusals.Count} refused, {runner.Errors} errors, {runner.Timeouts} timeouts, {clock.Elapsed.TotalSeconds:0} s\n");
        differences.ShouldBeEmpty();
        runner.Refusals.Count.ShouldBeLessThanOrEqualTo(runner.Asked / 100, string.Join('\n', runner.Refusals));
    }
}
