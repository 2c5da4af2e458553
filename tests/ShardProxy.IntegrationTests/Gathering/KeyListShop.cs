using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>Tables large enough that it matters how much of them is read, over three shards and on one PostgreSQL.</summary>
public sealed class KeyListShop : IAsyncLifetime
{
    private const int Hangup = 1;

    private static readonly Dictionary<string, string> Tables = new()
    {
        ["people"] = "{ key: id }",
        ["sales"] = "{ key: id }",
        ["lines"] = "{ key: id }",
        ["pays"] = "{ key: sale, colocate_with: sales }",
        ["goods"] = "{ reference: true }",
    };

    private static readonly string[] Schema =
    [
        "CREATE TABLE people (id int8 PRIMARY KEY, town text, code varchar(20), born date)",
        "CREATE TABLE sales (id int8 PRIMARY KEY, person int4, good int4, code text, placed date, amount numeric)",
        "CREATE TABLE lines (id int8 PRIMARY KEY, sale int8, note char(8))",
        "CREATE TABLE pays (sale int4, id int8, kind text, amount numeric, PRIMARY KEY (sale, id))",
        "CREATE TABLE goods (id int4 PRIMARY KEY, title text)",
        "CREATE TABLE marks (person int4, mark text)",
    ];

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;
    private string _gather = "{ key_lists_from: 0 }";

    public Endpoint Reference => _cluster.ReferenceEndpoint;

    public Endpoint Subject => _proxy.Endpoint;

    /// <summary>Changes the database's gather section while the proxy runs.</summary>
    public async Task SetAsync(string gather)
    {
        if (gather == _gather)
            return;
        var text = await File.ReadAllTextAsync(_proxy.ConfigFile);
        await File.WriteAllTextAsync(_proxy.ConfigFile, text.Replace($"gather: {_gather}", $"gather: {gather}", StringComparison.Ordinal));
        _gather = gather;
        var before = Reloads();
        _proxy.Signal(Hangup);
        await Until.TrueAsync(() => Reloads() > before, "the configuration is read again");
    }

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3, withReference: true);
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: Tables, Gather: _gather));
        foreach (var endpoint in (Endpoint[])[Reference, Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var statement in Schema)
                await client.MustAsync(statement);
            await FillAsync(client, "people", 1, 400, static id => $"{id}\ttown {id % 20}\t{(id % 9 == 0 ? "\\N" : $"c{id}")}\t{new DateOnly(1980, 1, 1).AddDays(id):yyyy-MM-dd}");
            await FillAsync(client, "sales", 1, 3000, static id => $"{id}\t{(id % 13 == 0 ? "\\N" : $"{1 + (id * 7 % 450)}")}\t{1 + (id % 30)}\tc{id % 500}\t{new DateOnly(2024, 1, 1).AddDays(id % 200):yyyy-MM-dd}\t{id % 77}.50");
            await FillAsync(client, "lines", 1, 6000, static id => $"{id}\t{1 + (id * 11 % 3300)}\tn{id % 40}");
            await FillAsync(client, "pays", 1, 4000, static id => $"{1 + (id * 7 % 3100)}\t{id}\tk{id % 10}\t{id % 50}.25");
            await FillAsync(client, "goods", 1, 30, static id => $"{id}\tgood {id}");
            await FillAsync(client, "marks", 1, 6, static id => $"{id * 50}\tmark {id}");
            await client.MustAsync("ANALYZE");
        }
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    private int Reloads() => _proxy.Log.Split("was read again").Length;

    private static async Task FillAsync(WireClient client, string table, int from, int to, Func<int, string> line)
    {
        var rows = string.Concat(Enumerable.Range(from, to - from + 1).Select(id => line(id) + "\n"));
        var replies = await client.RunAsync(new FrontendScript().Query($"COPY {table} FROM STDIN").CopyData(rows).CopyDone());
        replies.ShouldNotContain(static message => message.Type == 'E', string.Join('\n', replies));
    }
}
