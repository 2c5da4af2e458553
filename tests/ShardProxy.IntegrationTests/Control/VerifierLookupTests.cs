using ShardProxy.Configuration;
using ShardProxy.Control.Authentication;
using ShardProxy.Control.Shards;
using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Control;

public sealed class VerifierLookupTests(ThreeServers servers) : IClassFixture<ThreeServers>
{
    private PostgresServer Server => servers.Servers[0];

    [Fact]
    public async Task Finds_what_the_server_stores_of_a_password()
    {
        await Server.ExecuteAsync("CREATE ROLE reader LOGIN PASSWORD 'x'; CREATE ROLE barred NOLOGIN PASSWORD 'x'; CREATE ROLE bare LOGIN");
        await using var lookup = Lookup(AuthenticationConfig.DefaultQuery);

        (await lookup.FindAsync("reader", default)).ShouldBe(await Server.ScalarAsync<string>("SELECT rolpassword FROM pg_authid WHERE rolname = 'reader'"));
        (await lookup.FindAsync("barred", default)).ShouldBeNull();
        (await lookup.FindAsync("bare", default)).ShouldBeNull();
        (await lookup.FindAsync("nobody'; --", default)).ShouldBeNull();
    }

    [Fact]
    public async Task A_query_of_ones_own_finds_its_function_in_the_search_path()
    {
        await Server.ExecuteAsync("CREATE FUNCTION my_auth(text) RETURNS TABLE (n text, v text) LANGUAGE sql AS $$ SELECT $1, 'verifier of ' || $1 $$");
        await using var lookup = Lookup("SELECT * FROM my_auth($1)");

        (await lookup.FindAsync("ann", default)).ShouldBe("verifier of ann");
    }

    [Theory]
    [InlineData("SELECT 1 WHERE $1 = 'x'", "F0000", "two columns")]
    [InlineData("SELECT nothing FROM nowhere WHERE a = $1", "42P01", "the authentication query failed")]
    public async Task A_query_that_does_not_work_is_an_error_not_an_unknown_user(string query, string sqlState, string message)
    {
        await using var lookup = Lookup(query);

        var failure = await Should.ThrowAsync<SqlException>(async () => await lookup.FindAsync("ann", default));

        failure.SqlState.ShouldBe(sqlState);
        failure.Message.ShouldContain(message);
    }

    [Fact]
    public async Task A_server_that_is_down_is_an_error_and_works_again_at_once()
    {
        await using var server = await PostgresServer.StartAsync("auth");
        await using var lookup = Lookup(AuthenticationConfig.DefaultQuery, server);
        await server.StopAsync();

        (await Should.ThrowAsync<SqlException>(async () => await lookup.FindAsync(PostgresServer.AppUser, default))).SqlState.ShouldBe("08001");
        await server.RestartAsync();

        (await lookup.FindAsync(PostgresServer.AppUser, default)).ShouldNotBeNull().ShouldStartWith("SCRAM-SHA-256$");
    }

    private VerifierLookup Lookup(string query, PostgresServer? server = null)
    {
        var target = new ConnectionTarget(
            PostgresServer.Host, (server ?? Server).Port, PostgresServer.Database, PostgresServer.AppUser, PostgresServer.Password, ServerTlsMode.Disable, null);
        return new VerifierLookup(new ShardConfig("s0", target), new AuthenticationConfig(true, query), LimitsConfig.Default, TimeProvider.System);
    }
}
