using System.Diagnostics;
using System.Globalization;
using System.Text;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering.Tpch;

/// <summary>
/// The 22 queries over four shards and on one PostgreSQL with the same rows. SHARDPROXY_TPCH_SCALE makes more of them, and
/// SHARDPROXY_TPCH_TIMES names a file for the times of both.
/// </summary>
public sealed class TpchTests : IAsyncLifetime
{
    private const int CopyChunk = 1024 * 1024;

    /// <summary>For one query, at a scale that is measured and not only tested.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly double Scale =
        double.Parse(Environment.GetEnvironmentVariable("SHARDPROXY_TPCH_SCALE") ?? "0.001", CultureInfo.InvariantCulture);

    private Cluster _cluster = null!;
    private Endpoint _subject = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(4, withReference: true);
        _subject = (await _cluster.StartProxyAsync(new ProxyOptions(Tables: TpchSchema.Tables))).Endpoint;
        foreach (var endpoint in (Endpoint[])[_cluster.ReferenceEndpoint, _subject])
            await LoadAsync(endpoint);
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Every_query_gives_what_one_PostgreSQL_gives()
    {
        await using var reference = await WireClient.ConnectAsync(_cluster.ReferenceEndpoint);
        await using var subject = await WireClient.ConnectAsync(_subject);
        await NoteAsync("| query | PostgreSQL, ms | 4 shards, ms |\n| --- | ---: | ---: |\n");
        for (var number = 1; number <= TpchQueries.All.Count; number++)
        {
            var query = TpchQueries.All[number - 1];
            var expected = await TimeAsync(reference, query);
            var actual = await TimeAsync(subject, query);
            actual.Lines.ShouldBe(expected.Lines, $"query {number}");
            await NoteAsync(string.Create(CultureInfo.InvariantCulture, $"| {number} | {expected.Milliseconds} | {actual.Milliseconds} |\n"));
        }
    }

    private static Task NoteAsync(string lines) =>
        Environment.GetEnvironmentVariable("SHARDPROXY_TPCH_TIMES") is { } file ? File.AppendAllTextAsync(file, lines) : Task.CompletedTask;

    private static async Task<(List<string> Lines, long Milliseconds)> TimeAsync(WireClient client, string query)
    {
        var start = Stopwatch.GetTimestamp();
        var messages = await client.QueryAsync(query, Patience);
        var elapsed = Stopwatch.GetElapsedTime(start);
        return ([.. messages.Select(static message => message.ToString())], (long)elapsed.TotalMilliseconds);
    }

    private static async Task LoadAsync(Endpoint endpoint)
    {
        await using var client = await WireClient.ConnectAsync(endpoint);
        foreach (var statement in TpchSchema.Statements)
            await client.MustAsync(statement);
        var waiting = new Dictionary<string, StringBuilder>();
        foreach (var (table, line) in new TpchData(Scale).Rows())
        {
            if (!waiting.TryGetValue(table, out var rows))
                waiting.Add(table, rows = new StringBuilder());
            rows.Append(line);
            if (rows.Length > CopyChunk)
                await CopyAsync(client, table, rows);
        }
        foreach (var (table, rows) in waiting)
            await CopyAsync(client, table, rows);
        await client.MustAsync("ANALYZE");
    }

    private static async Task CopyAsync(WireClient client, string table, StringBuilder rows)
    {
        var replies = await client.RunAsync(new FrontendScript().Query($"COPY {table} FROM STDIN").CopyData(rows.ToString()).CopyDone());
        replies.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', replies));
        rows.Clear();
    }
}
