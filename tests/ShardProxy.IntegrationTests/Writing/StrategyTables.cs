using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>One table for each way to place keys, with the same columns and rows, made on the subject and on the reference.</summary>
internal static class StrategyTables
{
    public static readonly string[] Names = ["s_hash", "s_range", "s_list", "s_lookup"];

    public static async Task CreateAsync(Lab lab)
    {
        await DropAsync(lab);
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var name in Names)
                await client.MustAsync($"CREATE TABLE {name} (k int4 PRIMARY KEY, v text, n numeric(10,2) NOT NULL DEFAULT 1, twice numeric GENERATED ALWAYS AS (n * 2) STORED, at timestamptz, CHECK (n < 10000))");
            if (endpoint == lab.Subject && !Lab.IsDirect)
            {
                await client.MustAsync("SELECT create_distributed_table('s_hash', 'k')");
                await client.MustAsync("SELECT create_distributed_table('s_range', 'k', strategy => 'range', ranges => '[,10) on s0, [10,100) on s1, [100,1000) on s2')");
                await client.MustAsync("SELECT create_distributed_table('s_list', 'k', strategy => 'list', lists => '(1, 2, 3, 4) on s0, (5, 6, 7, 8) on s1, default on s2')");
                await client.MustAsync("SELECT create_distributed_table('s_lookup', 'k', strategy => 'lookup')");
            }
            foreach (var name in Names)
                await client.MustAsync($"INSERT INTO {name} (k, v, n) VALUES {string.Join(", ", Enumerable.Range(1, 12).Select(static k => $"({k * 3}, 'v{k}', {k}.25)"))}");
        }
    }

    public static async Task DropAsync(Lab lab)
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var name in Names)
                await client.QueryAsync($"DROP TABLE IF EXISTS {name}");
        }
    }

    /// <summary>The rows are alike, and each is found by its key: on the shard where the key leads.</summary>
    public static async Task SameAsync(WritesBeside beside, string table)
    {
        await beside.SameAsync(new FrontendScript().Query($"SELECT k, v, n, twice, at IS NULL FROM {table} ORDER BY k"), table, ordered: true);
        foreach (var row in await beside.SubjectRowsAsync($"SELECT k FROM {table}"))
        {
            var key = string.Concat(row.Where(char.IsAsciiDigit));
            (await beside.SubjectRowsAsync($"SELECT k FROM {table} WHERE k = {key}")).Length.ShouldBe(1, $"{table} has the key {key} once, on its shard");
        }
    }
}
