using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>gather.on: any. Rows are brought together on the shard with the least to do, where the statement leaves the choice.</summary>
public sealed class GatherPlaceTests : IAsyncLifetime
{
    private const string Statement = "SELECT a.id, b.name FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 9 ORDER BY 1";

    private static readonly string[] Schema =
    [
        "CREATE TYPE mood AS ENUM ('sad', 'ok')",
        "CREATE TYPE pair AS (a int4, b text)",
        "CREATE TABLE users (id int8 PRIMARY KEY, name text, feeling mood, p pair)",
        "CREATE TABLE notes (id int4 PRIMARY KEY, body text)",
    ];

    private Cluster _cluster = null!;
    private Endpoint _subject = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(3, withReference: true);
        await LabSchema.ShiftObjectIdsAsync(_cluster.Shards[1], 7);
        _subject = (await _cluster.StartProxyAsync(new ProxyOptions(Tables: new Dictionary<string, string> { ["users"] = "{ key: id }" }, Gather: "{ on: any }"))).Endpoint;
        await LabSchema.AlignObjectIdsAsync(_cluster.Reference, _cluster.Home);
        foreach (var endpoint in (Endpoint[])[_cluster.ReferenceEndpoint, _subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var statement in Schema)
                await client.MustAsync(statement);
            for (var id = 1; id <= 20; id++)
                await client.MustAsync($"INSERT INTO users VALUES ({id}, 'user {id}', 'ok', '({id},x)')");
            await client.MustAsync("INSERT INTO notes VALUES (1, 'one'), (2, 'two')");
        }
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Answers_are_those_of_one_server()
    {
        // Somebody else is busy at home.
        await using var busy = await BusyAtHomeAsync();
        await SameAsync(
            new FrontendScript().Query(Statement),
            new FrontendScript().Run(Statement).Sync(),
            new FrontendScript().Run(Statement, resultFormat: 1).Sync(),
            new FrontendScript().Run("SELECT a.id FROM users a JOIN users b ON b.id = a.id + $1 WHERE a.id < $2 ORDER BY 1", ["2", "9"], resultFormat: 1).Sync(),
            new FrontendScript().Query("SELECT a.feeling, b.p FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY a.id"),
            new FrontendScript().Run("SELECT a.feeling, b.feeling::text FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY a.id", resultFormat: 1).Sync(),
            new FrontendScript().Query("SELECT n.body, u.name FROM notes n JOIN users u ON u.id = n.id ORDER BY 1"),
            new FrontendScript().Query("SELECT 1 / (a.id - 3) FROM users a JOIN users b ON b.id = a.id + 1"),
            new FrontendScript().Query("COPY (SELECT a.id FROM users a JOIN users b ON b.id = a.id + 1 ORDER BY 1) TO STDOUT"),
            new FrontendScript().Query("BEGIN"),
            new FrontendScript().Query("UPDATE users SET name = 'changed' WHERE id = 3"),
            new FrontendScript().Query(Statement),
            new FrontendScript().Query("ROLLBACK"),
            new FrontendScript().Query($"{Statement}; INSERT INTO users VALUES (101, 'a'), (102, 'b'), (103, 'c'), (104, 'd'); {Statement}"),
            new FrontendScript().Run(Statement).Run("INSERT INTO users VALUES (111, 'a'), (112, 'b'), (113, 'c'), (114, 'd')").Run(Statement).Sync(),
            new FrontendScript().Query("SELECT count(*) FROM users"));
    }

    [Fact]
    public async Task The_least_loaded_shard_is_taken()
    {
        await using var client = await WireClient.ConnectAsync(_subject);
        (await PlaceAsync(client, Statement)).ShouldBe("s0");
        await using var busy = await BusyAtHomeAsync();
        (await PlaceAsync(client, Statement)).ShouldBe("s1");
        // What only home has, and what is more than the statement's own, stays there.
        (await PlaceAsync(client, "SELECT n.body, u.name FROM notes n JOIN users u ON u.id = n.id")).ShouldBe("s0");
        await client.MustAsync("BEGIN");
        (await PlaceAsync(client, Statement)).ShouldBe("s0");
        await client.MustAsync("ROLLBACK");
    }

    private async Task<WireClient> BusyAtHomeAsync()
    {
        var busy = await WireClient.ConnectAsync(_subject);
        await busy.MustAsync("BEGIN");
        await busy.MustAsync("SELECT body FROM notes");
        return busy;
    }

    private static async Task<string> PlaceAsync(WireClient client, string statement)
    {
        var answer = await client.MustAsync($"EXPLAIN (ANALYZE) {statement}");
        var lines = answer.Where(static message => message.Type == 'D').Select(static message => message.TextValues[0]!).ToList();
        lines[0].ShouldBe("Gather");
        return lines.First(static line => line.Contains("On Shard:", StringComparison.Ordinal)).Split(": ")[1];
    }

    private async Task SameAsync(params FrontendScript[] scripts)
    {
        await using var reference = await WireClient.ConnectAsync(_cluster.ReferenceEndpoint);
        await using var subject = await WireClient.ConnectAsync(_subject);
        foreach (var script in scripts)
        {
            var expected = (await reference.RunAsync(script)).ConvertAll(static message => message.ToString());
            (await subject.RunAsync(script)).ConvertAll(static message => message.ToString()).ShouldBe(expected, script.ToString());
        }
    }
}
