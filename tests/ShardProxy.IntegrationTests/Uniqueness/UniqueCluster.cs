using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Uniqueness;

/// <summary>Three shards, one PostgreSQL beside them, and a proxy that shards u_users and u_items.</summary>
public sealed class UniqueCluster : IAsyncLifetime
{
    public static IReadOnlyDictionary<string, string> Tables { get; } = new Dictionary<string, string>
    {
        ["u_users"] = "{ key: id }",
        ["u_items"] = "{ key: owner, colocate_with: u_users }",
    };

    public Cluster Cluster { get; private set; } = null!;

    public ProxyProcess Proxy { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Cluster = await Cluster.StartAsync(3, withReference: true);
        Proxy = await Cluster.StartProxyAsync(new ProxyOptions(Tables: Tables));
    }

    public async Task DisposeAsync() => await Cluster.DisposeAsync();

    /// <summary>Clients of the proxy and of the one PostgreSQL, where both have the table.</summary>
    /// <param name="users">The definition of u_users.</param>
    internal async Task<UniqueBeside> OpenAsync(string users)
    {
        var beside = await UniqueBeside.ConnectAsync(Cluster.ReferenceEndpoint, Proxy.Endpoint);
        await beside.SameAsync(users);
        return beside;
    }

    /// <summary>Drops u_users, of which nothing may be left on a shard.</summary>
    internal async Task CloseAsync(UniqueBeside beside)
    {
        await beside.SameAsync("DROP TABLE u_users");
        foreach (var shard in Cluster.Shards)
            (await shard.ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relname LIKE 'shardproxy_unique%'")).ShouldBe(0);
        await beside.DisposeAsync();
    }

    /// <summary>Rows of a table and entries of its one global index, of all shards, as text: the two lists are equal when the index is true.</summary>
    /// <param name="columns">The index's.</param>
    public static async Task<(string[] Rows, string[] Entries)> CompareAsync(IEnumerable<PostgresServer> shards, string table, string columns, string key = "id")
    {
        var rows = new List<string>();
        var entries = new List<string>();
        foreach (var shard in shards)
        {
            var id = await shard.ScalarAsync<string>($"""
                SELECT split_part(encode(tgargs, 'escape'), '\000', 1) FROM pg_trigger
                WHERE tgrelid = '{table}'::regclass AND tgtype & 4 <> 0 AND tgnargs = 3 AND tgname LIKE 'shardproxy_unique_%'
                  AND split_part(encode(tgargs, 'escape'), '\000', 3) = (SELECT string_agg(a.attnum::text, ' ' ORDER BY c.o)
                    FROM unnest(string_to_array('{columns}', ', ')) WITH ORDINALITY AS c(n, o) JOIN pg_attribute a ON a.attrelid = '{table}'::regclass AND a.attname = c.n)
                """);
            rows.AddRange(await shard.ScalarAsync<string[]>($"SELECT coalesce(array_agg(ROW({columns}, {key})::text), '{{}}') FROM {table} WHERE num_nulls({columns}) = 0"));
            entries.AddRange(await shard.ScalarAsync<string[]>($"SELECT coalesce(array_agg(e::text), '{{}}') FROM information_schema.shardproxy_unique_{id} e"));
        }
        rows.Sort(StringComparer.Ordinal);
        entries.Sort(StringComparer.Ordinal);
        return ([.. rows], [.. entries]);
    }

    public async Task AgreesAsync(string table, string columns, string key = "id")
    {
        var (rows, entries) = await CompareAsync(Cluster.Shards, table, columns, key);
        entries.ShouldBe(rows);
    }
}
