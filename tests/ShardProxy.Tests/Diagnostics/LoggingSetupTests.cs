using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using ShardProxy.Configuration;
using ShardProxy.Diagnostics;

namespace ShardProxy.Tests.Diagnostics;

public sealed class LoggingSetupTests
{
    private static readonly LogConfig Text = new(LogFormat.Text, "information", TimeSpan.Zero);

    [Fact]
    public async Task Writes_text_with_utc_time_and_one_line_per_record()
    {
        var lines = await LogAsync(Text, static (logger, _) =>
            LogStatements.SlowQuery(logger, "select", 12.5, "s0", "a\nb", "shop", "SELECT ?"));

        lines.ShouldBe(["2026-01-02T03:04:05.678Z warning Slow select: 12.5 ms on shard s0 for user a\\nb in database shop: SELECT ?"]);
    }

    [Fact]
    public async Task Writes_json_with_the_values_by_name()
    {
        var lines = await LogAsync(Text with { Format = LogFormat.Json }, static (logger, _) =>
            LogStatements.SlowQuery(logger, "select", 12.5, "s0", "a\nb", "shop", "SELECT ?"));

        var record = JsonDocument.Parse(lines.ShouldHaveSingleItem()).RootElement;
        record.GetProperty("time").GetString().ShouldBe("2026-01-02T03:04:05.678Z");
        record.GetProperty("level").GetString().ShouldBe("warning");
        record.GetProperty("event").GetString().ShouldBe("SlowQuery");
        record.GetProperty("id").GetInt32().ShouldBe(1400);
        var values = record.GetProperty("values");
        values.GetProperty("Milliseconds").GetDouble().ShouldBe(12.5);
        values.GetProperty("User").GetString().ShouldBe("a\nb");
        values.TryGetProperty("{OriginalFormat}", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Keeps_to_the_level_and_changes_it_while_running()
    {
        var lines = await LogAsync(Text with { Level = "error" }, static (logger, logging) =>
        {
            LogProcess.Stopped(logger);
            logging.Apply(Text);
            LogProcess.Stopped(logger);
        });

        lines.ShouldHaveSingleItem().ShouldEndWith("information Stopped.");
    }

    [Fact]
    public async Task Drops_and_counts_when_nobody_reads()
    {
        var output = new StuckStream();
        var queue = new LogQueue(output, TimeProvider.System, capacity: 2);
        queue.Add([1]);
        await output.Stuck;
        for (byte i = 0; i < 5; i++)
            queue.Add([i]);

        queue.Dropped.ShouldBe(3);

        output.Release();
        await queue.DisposeAsync();
        Encoding.UTF8.GetString(output.ToArray()).ShouldContain("3 log lines were lost");
    }

    [Fact]
    public async Task Survives_a_closed_output()
    {
        var output = new MemoryStream();
        await output.DisposeAsync();
        await using var logging = new LoggingSetup(Text, output, TimeProvider.System);

        LogProcess.Stopped(logging.Factory.CreateLogger("test"));
    }

    private static async Task<IReadOnlyList<string>> LogAsync(LogConfig config, Action<ILogger, LoggingSetup> log)
    {
        var output = new MemoryStream();
        await using (var logging = new LoggingSetup(config, output, new FixedTime()))
            log(logging.Factory.CreateLogger("test"), logging);
        return Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
    }

    /// <summary>Blocks its writer until released.</summary>
    private sealed class StuckStream : MemoryStream
    {
        private readonly TaskCompletionSource _stuck = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Stuck => _stuck.Task;

        public void Release() => _released.TrySetResult();

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _stuck.TrySetResult();
            await _released.Task;
            await base.WriteAsync(buffer, cancellationToken);
        }
    }
}
