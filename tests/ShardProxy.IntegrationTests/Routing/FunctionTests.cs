using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Routing;

/// <summary>Functions of users whose bodies touch sharded tables, or cannot be read: refused, or declared by their key argument.</summary>
[Collection(LabCollection.Name)]
public sealed class FunctionTests(Lab lab) : IAsyncLifetime
{
    private const string Definitions = """
        CREATE FUNCTION ft_total(who int8, floor_of numeric DEFAULT 0) RETURNS numeric STABLE LANGUAGE sql AS 'SELECT coalesce(sum(amount), 0) FROM orders WHERE user_id = who AND amount >= floor_of'
        CREATE FUNCTION ft_rename(IN who int8, OUT old text, new_name text) LANGUAGE plpgsql AS $$ BEGIN SELECT name INTO old FROM users WHERE id = who; UPDATE users SET name = new_name WHERE id = who; END $$
        CREATE FUNCTION ft_rows(relation text) RETURNS int8 LANGUAGE plpgsql AS $$ DECLARE n int8; BEGIN EXECUTE 'SELECT count(*) FROM ' || quote_ident(relation) INTO n; RETURN n; END $$
        CREATE FUNCTION ft_plain() RETURNS int4 LANGUAGE plpgsql AS $$ DECLARE n int4; BEGIN EXECUTE 'SELECT 1' INTO n; RETURN n; END $$
        CREATE PROCEDURE ft_touch(who int8) LANGUAGE sql AS 'UPDATE users SET balance = balance + 1 WHERE id = who'
        """;

    public async Task InitializeAsync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            foreach (var definition in Definitions.Split('\n'))
                await client.MustAsync(definition);
        }
        await using var subject = await WireClient.ConnectAsync(lab.Subject);
        await subject.MustAsync("SELECT create_distributed_function('ft_total(int8, numeric)', 'who', colocate_with => 'users')");
        await subject.MustAsync("SELECT create_distributed_function('ft_rename(int8, text)', '$1', colocate_with => 'users')");
    }

    public async Task DisposeAsync()
    {
        foreach (var endpoint in (Endpoint[])[lab.Reference, lab.Subject])
        {
            await using var client = await WireClient.ConnectAsync(endpoint);
            await client.MustAsync("DROP FUNCTION ft_total, ft_rename, ft_rows, ft_plain");
            await client.MustAsync("DROP PROCEDURE ft_touch");
        }
    }

    [Fact]
    public async Task Declared_ones_run_on_their_key()
    {
        var differential = new Differential(lab);
        await differential.SameInAllProtocolsAsync(
            "SELECT ft_total(3)",
            "SELECT ft_total(7, 10)",
            "SELECT ft_total(floor_of => 5, who => 11)",
            "SELECT ft_total(9) + (SELECT sum(amount) FROM orders WHERE user_id = 9)",
            "SELECT name, ft_total(id) FROM users WHERE id = 6",
            "SELECT * FROM ft_total(14) t",
            "SELECT ft_plain()");
        await differential.SameAsync(
            new FrontendScript().Run("SELECT ft_total($1)", ["22"]).Sync(),
            new FrontendScript().Query("BEGIN"),
            new FrontendScript().Query("SELECT * FROM ft_rename(5, 'another')"),
            new FrontendScript().Query("SELECT name FROM users WHERE id = 5"),
            new FrontendScript().Query("ROLLBACK"));
    }

    [Theory]
    [InlineData("SELECT ft_total(id) FROM users")]
    [InlineData("SELECT ft_total(1), ft_total(2), ft_total(3), ft_total(4), ft_total(5)")]
    [InlineData("SELECT ft_rows('users')")]
    [InlineData("CALL ft_touch(3)")]
    [InlineData("DO $$ BEGIN EXECUTE 'DELETE FROM ' || 'users'; END $$")]
    [InlineData("SELECT query_to_xml('SELECT * FROM users', true, true, '')")]
    [InlineData("SELECT table_to_xml('users', true, true, '')")]
    [InlineData("SELECT schema_to_xml('public', true, true, '')")]
    [InlineData("SELECT * FROM ts_stat('SELECT to_tsvector(name) FROM users')")]
    [InlineData("SELECT * FROM ts_stat('SELECT to_tsvector(name) FROM us' || 'ers')")]
    public async Task Others_that_would_see_one_shard_are_refused(string statement)
    {
        await using var client = await WireClient.ConnectAsync(lab.Subject);
        (await client.QueryAsync(statement)).ShouldContain(static message => message.Type == 'E' && message.SqlState == "0A000" && message.Fields.ContainsKey('H'));
    }
}
