using System.Text;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>The time that a statement over several shards sees is one, however the statement asks for it.</summary>
[Collection(LabCollection.Name)]
public sealed class OneMomentTests(Lab lab)
{
    [Theory]
    [InlineData("'now'::timestamptz")]
    [InlineData("TIMESTAMPTZ ' Now '")]
    [InlineData("CAST(E'n\\x6fw' AS timestamp)")]
    [InlineData("('n' || 'ow')::timestamptz")]
    [InlineData("lower(upper('NO' || left(name, 0) || 'W'))::timestamptz")]
    [InlineData("(to_jsonb('n' || 'ow'::text) ->> 0)::timestamptz")]
    [InlineData("now()")]
    [InlineData("current_timestamp")]
    [InlineData("localtimestamp(6)")]
    [InlineData("statement_timestamp()")]
    [InlineData("txid_current()")]
    [InlineData("pg_backend_pid()")]
    [InlineData("inet_server_port()")]
    public async Task Once_for_all_rows(string moment)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        (await client.ScalarAsync($"SELECT count(DISTINCT {moment}) FROM users")).ShouldBe("1");
        (await client.MustAsync($"SELECT {moment} FROM users")).Where(static message => message.Type == 'D').Select(static row => row.TextValues[0]).Distinct().Count().ShouldBe(1);
        (await client.RunAsync(new FrontendScript().Run($"SELECT {moment} FROM users").Sync()))
            .Where(static message => message.Type == 'D').Select(static row => row.TextValues[0]).Distinct().Count().ShouldBe(1);
    }

    /// <summary>A text of the same shape has been planned before, so that its template would run on every shard.</summary>
    [Theory]
    [InlineData("SELECT '2024-01-01'::timestamptz FROM users", "SELECT 'now'::timestamptz FROM users")]
    [InlineData("SELECT id, '2024-01-01'::timestamptz FROM users WHERE id IN (1, 2, 3, 4, 5)", "SELECT id, 'now'::timestamptz FROM users WHERE id IN (1, 2, 3, 4, 5)")]
    public async Task Another_literal_in_the_same_template(string first, string second)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync(first);
        (await client.ScalarAsync($"EXPLAIN (SHARDS) {second}")).ShouldStartWith("rows gathered");
        var values = (await client.MustAsync(second)).Where(static message => message.Type == 'D').Select(static row => row.TextValues[^1]).ToList();
        values.Count.ShouldBeGreaterThan(1);
        values.Distinct().Count().ShouldBe(1);
    }

    [Theory]
    [InlineData("SELECT $1::timestamptz FROM users", 0)]
    [InlineData("SELECT $1::text::timestamptz FROM users", 1)]
    [InlineData("SELECT $1::timestamptz, count(*) FROM users GROUP BY id", 0)]
    [InlineData("SELECT $1::timestamptz FROM users ORDER BY id", 0)]
    [InlineData("SELECT $1::timestamptz FROM users WHERE id = ANY ('{1,2,3,4,5,6}'::int8[])", 0)]
    public async Task Parameters(string statement, short format)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        foreach (var value in (string[])["2024-01-01", "now", " NOW "])
        {
            var rows = (await client.RunAsync(new FrontendScript().Parse(statement).BindBytes([Encoding.ASCII.GetBytes(value)], [format]).Execute().Sync()))
                .Where(static message => message.Type is 'D' or 'E').ToList();
            rows.ShouldAllBe(static message => message.Type == 'D');
            rows.Count.ShouldBeGreaterThan(1);
            rows.Select(static row => row.TextValues[0]).Distinct().Count().ShouldBe(1);
        }
    }

    [Fact]
    public Task Days_are_compared_as_by_one_server() => new Differential(lab).SameInAllProtocolsAsync(
        "SELECT count(*) FROM orders WHERE placed < 'today'",
        "SELECT count(*) FROM orders WHERE placed < '2024-02-01'",
        "SELECT count(*) FROM orders WHERE placed > 'yesterday 12:00'",
        "SELECT name FROM users WHERE name <> 'now' ORDER BY id",
        "SELECT name FROM users WHERE born < 'tomorrow' AND name <> 'snow' ORDER BY id");
}
