using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing.Keys;

/// <summary>Three shards behind a proxy, and one PostgreSQL that gets the same rows.</summary>
public sealed class KeyLab : IAsyncLifetime
{
    private readonly Dictionary<(string Text, string Cast), byte[]> _binary = [];

    public Cluster Cluster { get; private set; } = null!;

    public ProxyProcess Proxy { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Cluster = await Cluster.StartAsync(3, withReference: true);
        Proxy = await Cluster.StartProxyAsync();
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    /// <summary>The same table on both sides, with each value of the pool but every fifth, some of them several times and in every region.</summary>
    /// <param name="arguments">Further arguments of create_distributed_table.</param>
    /// <param name="oneZoneForKey">Rows whose zone does not have their key's shard are refused, and so not on the other side either.</param>
    public async Task FillAsync(WireClient subject, WireClient reference, string table, KeyPool pool, string arguments, bool oneZoneForKey = false)
    {
        var create = $"CREATE TABLE {table} (k {pool.Type}, region text, v int)";
        await subject.MustAsync(create);
        await reference.MustAsync(create);
        await subject.MustAsync($"SELECT create_distributed_table('{table}', 'k'{arguments})");
        string[] regions = ["eu", "us", "ch"];
        for (var index = 0; index < pool.Values.Length; index++)
        {
            if (index % 5 == 4)
                continue;
            var value = pool.Values[index];
            var region = regions[index % 3];
            FrontendScript[] scripts =
            [
                new FrontendScript().Query($"INSERT INTO {table} VALUES ({KeyPool.Quote(value)}, '{region}', {index})"),
                new FrontendScript().Query($"INSERT INTO {table} (v, k, region) VALUES ({index}, {KeyPool.Quote(value)}::{pool.Cast}, 'eu'), (0, {KeyPool.Quote(pool.Values[0])}, 'us')"),
                new FrontendScript().Run($"INSERT INTO {table} (region, k, v) VALUES ('{region}', $1, $2)", [value, $"{index + 100}"]).Sync(),
                new FrontendScript().Parse($"INSERT INTO {table} (region, k, v) VALUES ('us', $1, {index + 200})", types: pool.Oid)
                    .BindBytes([await BinaryAsync(new KeyParameter(value, pool.Oid, IsBinary: true, pool.Cast))], [1]).Execute().Sync(),
                new FrontendScript().Query($"COPY {table} (k, v, region) FROM STDIN").CopyData($"{Escape(value)}\t{index + 300}\tch\n").CopyDone(),
            ];
            foreach (var script in scripts)
            {
                if (oneZoneForKey && (await subject.RunAsync(script)).FirstOrDefault(static message => message.Type == 'E') is var error)
                {
                    error?.SqlState.ShouldBe("23514", $"{table} {value}: {error}");
                    if (error is null)
                        (await reference.RunAsync(script)).ShouldNotContain(static message => message.Type == 'E', $"{table} {value}: {script}");
                    continue;
                }
                foreach (var client in (WireClient[])[subject, reference])
                    (await client.RunAsync(script)).ShouldNotContain(static message => message.Type == 'E', $"{table} {value}: {script}");
            }
        }
    }

    public async Task<byte[]> BinaryAsync(KeyParameter parameter)
    {
        if (_binary.TryGetValue((parameter.Text, parameter.Cast), out var known))
            return known;
        await using var client = await WireClient.ConnectAsync(Cluster.ReferenceEndpoint);
        var replies = await client.RunAsync(new FrontendScript().Run($"SELECT {KeyPool.Quote(parameter.Text)}::{parameter.Cast}", resultFormat: 1).Sync());
        return _binary[(parameter.Text, parameter.Cast)] = replies.Single(static message => message.Type == 'D').Values[0]!;
    }

    private static string Escape(string value) => value
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);
}
