using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Gathering;

/// <summary>READ ONLY blocks may bring rows together, and write nothing.</summary>
[Collection(LabCollection.Name)]
public sealed class ReadOnlyBlockTests(Lab lab)
{
    private const string Gather = "SELECT a.name, b.id FROM users a JOIN users b ON b.id = a.id + 1 WHERE a.id < 6 ORDER BY 2";

    private readonly Differential _differential = new(lab);

    [Theory]
    [InlineData("BEGIN READ ONLY")]
    [InlineData("START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")]
    [InlineData("BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")]
    [InlineData("BEGIN READ ONLY; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")]
    [InlineData("SET default_transaction_read_only = on; BEGIN")]
    public Task Gathers(string begin) => _differential.SameAsync(
        [
            .. begin.Split("; "),
            "SELECT count(*) FROM notes",
            Gather,
            Gather,
            "SHOW transaction_read_only",
            "SELECT name FROM users WHERE id = 3",
            "SELECT count(*) FROM pg_class WHERE relname LIKE 'shardproxy%' AND relpersistence = 't'",
            "SAVEPOINT mine",
            "INSERT INTO notes VALUES (100, 'x')",
            "ROLLBACK TO mine",
            "SELECT count(*) FROM notes",
            "UPDATE notes SET body = body",
            "SELECT 1",
            "ROLLBACK",
            "RESET default_transaction_read_only",
            "BEGIN",
            Gather,
            "UPDATE notes SET body = body WHERE id = 1",
            "ROLLBACK",
        ]);

    [Fact]
    public Task In_the_extended_protocol() => _differential.SameAsync(
        new FrontendScript().Run("BEGIN READ ONLY").Run(Gather).Run(Gather, resultFormat: 1).Sync(),
        new FrontendScript().Parse(Gather).Bind(portal: "p").Execute(2, "p").Sync(),
        new FrontendScript().Run("UPDATE notes SET body = body").Sync(),
        new FrontendScript().Run("ROLLBACK").Sync());

    [Fact]
    public async Task A_savepoint_is_in_the_way()
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        await client.MustAsync("BEGIN READ ONLY");
        await client.MustAsync("SAVEPOINT a");
        (await client.QueryAsync(Gather)).ShouldContain(static message => message.Type == 'E' && message.SqlState == "0A000");
        await client.MustAsync("ROLLBACK");
    }
}
