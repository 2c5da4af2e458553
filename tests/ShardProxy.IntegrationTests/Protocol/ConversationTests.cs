using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Protocol;

/// <summary>Generated conversations read the same on the proxy as on one PostgreSQL.</summary>
[Collection(LabCollection.Name)]
public sealed class ConversationTests(Lab lab) : IAsyncLifetime
{
    private static readonly int PerBatch = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 1000 : 60;

    private readonly Differential _differential = new(lab);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await LabSchema.RefillAsync(lab.Reference);
        await LabSchema.RefillAsync(lab.Subject);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Generated(int batch)
    {
        var failures = new List<string>();
        for (var seed = batch * 10_000; seed < batch * 10_000 + PerBatch; seed++)
        {
            var scripts = new ConversationGenerator(seed).Next();
            try
            {
                if (await _differential.SameInEssenceAsync(scripts))
                    await DisposeAsync();
            }
            catch (Exception exception)
            {
                var said = string.Join('\n', scripts.Select(static (script, index) => $"{index + 1}: {script}"));
                failures.Add($"seed {seed}: {exception.Message}\n{said}");
            }
        }
        string.Join("\n\n", failures.Take(8)).ShouldBeEmpty($"{failures.Count} of {PerBatch} conversations differ");
    }
}
