using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>Views over sharded tables: run whole on each shard where that is proven, gathered where not, and right in both.</summary>
[Collection(LabCollection.Name)]
public sealed class ViewTests(Lab lab) : IAsyncLifetime
{
    private const string Spread = "several shards";
    private const string Gathered = "rows gathered";

    private static readonly string[] Definitions =
    [
        "CREATE SCHEMA shown",
        "CREATE VIEW v_users AS SELECT id AS who, upper(name) AS called, balance, feeling FROM users",
        "CREATE VIEW v_rich AS SELECT who, balance * 2 AS twice FROM v_users WHERE balance > 10",
        "CREATE VIEW v_orders AS SELECT u.id AS who, u.name, o.id AS number, o.product, o.amount FROM users u JOIN orders o ON o.user_id = u.id",
        "CREATE VIEW v_left (u, o, note) AS SELECT u.id, o.id, o.note FROM users u LEFT JOIN orders o ON o.user_id = u.id AND o.amount > 10",
        "CREATE VIEW v_sums AS SELECT user_id, count(*) AS n, sum(amount) AS total FROM orders GROUP BY user_id",
        "CREATE VIEW v_products AS SELECT product, count(*) AS n, max(amount) AS most FROM orders GROUP BY product",
        "CREATE VIEW v_first AS SELECT id, name FROM users ORDER BY id LIMIT 5",
        "CREATE VIEW v_apart AS SELECT u.id, o.user_id FROM users u JOIN orders o ON o.product = u.id",
        "CREATE VIEW v_titles AS SELECT o.user_id, o.id, p.title FROM orders o JOIN products p ON p.id = o.product",
        "CREATE VIEW v_ranks AS SELECT user_id, id, rank() OVER (PARTITION BY user_id ORDER BY amount) AS place FROM orders",
        "CREATE VIEW v_all AS SELECT id AS k, name AS what FROM users UNION ALL SELECT user_id, note FROM orders",
        "CREATE VIEW v_barrier WITH (security_barrier) AS SELECT id, name FROM users WHERE id % 2 = 0",
        "CREATE VIEW shown.people AS SELECT id, name FROM public.users WHERE id < 20",
        "CREATE VIEW shown.users AS SELECT 0 AS id, 'nobody'::text AS name",
    ];

    private readonly Differential _differential = new(lab);

    public async Task InitializeAsync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var definition in Definitions)
                await client.MustAsync(definition);
        }
    }

    public async Task DisposeAsync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("DROP SCHEMA shown CASCADE");
            foreach (var view in Definitions.Skip(1).Select(static definition => definition.Split(' ')[2]).Where(static name => !name.StartsWith("shown", StringComparison.Ordinal)).Reverse())
                await client.MustAsync($"DROP VIEW {view}");
        }
    }

    [Theory]
    [InlineData(Spread, "SELECT * FROM v_users ORDER BY who")]
    [InlineData(Spread, "SELECT called FROM v_users WHERE balance > 20 ORDER BY who DESC LIMIT 3")]
    [InlineData(Spread, "SELECT v.who, v.twice FROM v_rich v WHERE v.twice > 30 ORDER BY 1")]
    [InlineData(Spread, "SELECT count(*), sum(twice) FROM v_rich")]
    [InlineData(Spread, "SELECT feeling, max(balance) FROM v_users GROUP BY feeling HAVING count(*) > 1 ORDER BY max(balance)")]
    [InlineData(Spread, "SELECT * FROM v_orders ORDER BY who, number")]
    [InlineData(Spread, "SELECT product, sum(amount) FROM v_orders WHERE who IN (1, 2, 3, 5, 6, 7) GROUP BY product ORDER BY 1")]
    [InlineData(Spread, "SELECT v.name, i.line FROM v_orders v JOIN items i ON i.user_id = v.who AND i.order_id = v.number ORDER BY v.who, v.number, i.line")]
    [InlineData(Spread, "SELECT * FROM v_left ORDER BY u, o")]
    [InlineData(Spread, "SELECT * FROM v_sums ORDER BY user_id")]
    [InlineData(Spread, "SELECT u.name, s.total FROM v_sums s JOIN v_users w ON w.who = s.user_id JOIN users u ON u.id = w.who ORDER BY u.id")]
    [InlineData(Spread, "SELECT * FROM v_titles ORDER BY 1, 2")]
    [InlineData(Spread, "SELECT * FROM v_ranks ORDER BY 1, 2")]
    [InlineData(Spread, "SELECT * FROM v_barrier ORDER BY id")]
    [InlineData(Spread, "SELECT * FROM shown.people ORDER BY id")]
    [InlineData(Spread, "SELECT a.id, b.called FROM shown.people a LEFT JOIN public.v_users b ON b.who = a.id ORDER BY 1")]
    [InlineData(Spread, "SELECT id FROM users WHERE id IN (SELECT who FROM v_rich WHERE twice < 60) ORDER BY 1")]
    [InlineData(Gathered, "SELECT * FROM v_products ORDER BY product")]
    [InlineData(Gathered, "SELECT * FROM v_first ORDER BY 1")]
    [InlineData(Gathered, "SELECT f.id, u.called FROM v_first f JOIN v_users u ON u.who = f.id ORDER BY 1")]
    [InlineData(Gathered, "SELECT * FROM v_apart ORDER BY 1, 2")]
    [InlineData(Gathered, "SELECT v.who, w.who FROM v_rich v JOIN v_rich w ON w.twice = v.twice + 2 ORDER BY 1, 2")]
    [InlineData(Gathered, "SELECT v.n, p.n FROM v_sums v LEFT JOIN v_products p ON p.product = v.n ORDER BY v.user_id")]
    [InlineData(null, "SELECT * FROM v_all ORDER BY 1, 2")]
    [InlineData(null, "SELECT k, count(*) FROM v_all GROUP BY k ORDER BY 1")]
    [InlineData(null, "TABLE v_left ORDER BY 1, 2")]
    [InlineData(null, "SELECT (SELECT max(twice) FROM v_rich r WHERE r.who = o.product), o.id FROM orders o ORDER BY 2, o.user_id")]
    public async Task As_one_server(string? way, string statement)
    {
        await _differential.SameInAllProtocolsAsync(statement);
        if (way is null)
            return;
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        var answer = await client.MustAsync($"EXPLAIN (SHARDS) {statement}");
        answer.First(static message => message.Type == 'D').TextValues[0]!.ShouldStartWith(way);
    }

    /// <summary>Names are read by search_path when the statement comes, and the view's own by identity.</summary>
    [Fact]
    public Task Names_by_search_path() => _differential.SameAsync(
        "SET search_path = shown, public",
        "SELECT * FROM users ORDER BY 1",
        "SELECT count(*) FROM people",
        "SELECT p.id, v.called FROM people p JOIN v_users v ON v.who = p.id + 1 ORDER BY 1",
        "SELECT * FROM v_sums ORDER BY 1",
        "SELECT * FROM v_products ORDER BY 1",
        "SET search_path = public",
        "SELECT count(*) FROM users",
        "SELECT count(*) FROM people",
        "CREATE TEMP TABLE v_users (who int)",
        "SELECT * FROM v_users",
        "SELECT count(*) FROM v_rich");

    /// <summary>What a view is now, and not what it was when the statement was planned.</summary>
    [Fact]
    public async Task Changed_while_plans_are_kept()
    {
        const string Sql = "SELECT * FROM changing ORDER BY 1";
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("CREATE VIEW changing AS SELECT id FROM users WHERE id < 4");
        }
        await _differential.SameAsync(
            new FrontendScript().Parse(Sql, "s").Bind(statement: "s").Execute().Sync(),
            new FrontendScript().Query(Sql),
            new FrontendScript().Query(Sql),
            new FrontendScript().Query("CREATE OR REPLACE VIEW changing AS SELECT id FROM users WHERE id > 37"),
            new FrontendScript().Query(Sql),
            new FrontendScript().Bind(statement: "s").Execute().Sync(),
            // It does not fall apart any more, then again.
            new FrontendScript().Query("CREATE OR REPLACE VIEW changing AS SELECT DISTINCT product::int8 AS id FROM orders"),
            new FrontendScript().Query(Sql),
            new FrontendScript().Bind(statement: "s").Execute().Sync(),
            new FrontendScript().Query("CREATE OR REPLACE VIEW changing AS SELECT id, name FROM users WHERE id = 5"),
            new FrontendScript().Query(Sql),
            new FrontendScript().Query("DROP VIEW changing"));
    }

    /// <summary>A view is read with its owner's rights: on the shards by their own servers; where its query would be read in the reader's name, the reader must have them.</summary>
    [Fact]
    public async Task Rights_are_the_owners()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("CREATE ROLE looker");
            await client.MustAsync("GRANT SELECT ON v_users, v_barrier, v_products TO looker");
        }
        try
        {
            await _differential.SameAsync(
                "SET ROLE looker",
                "SELECT * FROM v_users ORDER BY who",
                "SELECT count(*) FROM v_barrier",
                "SELECT * FROM v_rich ORDER BY 1",
                "RESET ROLE");
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            await client.MustAsync("SET ROLE looker");
            (await client.QueryAsync("SELECT * FROM v_products")).ShouldContain(static message => message.Type == 'E' && message.SqlState == "0A000" && message.Fields.ContainsKey('H'));
            (await client.QueryAsync("SELECT * FROM v_apart")).ShouldContain(static message => message.Type == 'E' && (message.SqlState == "42501" || message.SqlState == "0A000"));
            await client.MustAsync("RESET ROLE");
        }
        finally
        {
            foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
            {
                await using var client = await WireClient.ConnectAsync(endpoint);
                await client.MustAsync("REVOKE ALL ON v_users, v_barrier, v_products FROM looker");
                await client.MustAsync("DROP ROLE looker");
            }
        }
    }

    /// <summary>A view passes by the policies for its reader, as long as its shards read it; its query in the reader's name would not.</summary>
    [Fact]
    public async Task Row_security_is_the_owners()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("CREATE ROLE looker");
            await client.MustAsync("GRANT SELECT ON orders, v_sums, v_products TO looker");
            await client.MustAsync("CREATE POLICY shown_some ON orders USING (product > 1)");
            await client.MustAsync("ALTER TABLE orders ENABLE ROW LEVEL SECURITY");
        }
        try
        {
            await _differential.SameAsync(
                "SET ROLE looker",
                "SELECT product, count(*) FROM orders GROUP BY product ORDER BY 1",
                "SELECT a.id, b.id FROM orders a JOIN orders b ON b.product = a.id ORDER BY 1, 2",
                "SELECT * FROM v_sums ORDER BY user_id",
                "RESET ROLE");
            await using var client = await WireClient.ConnectAsync(lab.Subject);
            await client.MustAsync("SET ROLE looker");
            var refusal = (await client.QueryAsync("SELECT * FROM v_products")).Single(static message => message.Type == 'E');
            refusal.SqlState.ShouldBe("0A000");
            refusal.Fields['M'].ShouldContain("row security");
            refusal.Fields['H'].ShouldContain("Read the table itself");
            await client.MustAsync("RESET ROLE");
        }
        finally
        {
            foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
            {
                await using var client = await WireClient.ConnectAsync(endpoint);
                await client.MustAsync("ALTER TABLE orders DISABLE ROW LEVEL SECURITY");
                await client.MustAsync("DROP POLICY shown_some ON orders");
                await client.MustAsync("REVOKE ALL ON orders, v_sums, v_products FROM looker");
                await client.MustAsync("DROP ROLE looker");
            }
        }
    }
}
