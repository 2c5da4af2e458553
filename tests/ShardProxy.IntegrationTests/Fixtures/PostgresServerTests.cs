namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>The fixture keeps its own promises; without them no other suite proves anything.</summary>
public sealed class PostgresServerTests
{
    [Fact]
    public async Task A_server_that_was_killed_comes_back_with_its_data()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("CREATE TABLE t(a int); INSERT INTO t VALUES (42); CHECKPOINT");

        await server.KillAsync();
        await server.RestartAsync();

        (await server.ScalarAsync<int>("SELECT a FROM t")).ShouldBe(42);
        (await server.ScalarAsync<string>("SHOW password_encryption")).ShouldBe("scram-sha-256");
    }

    [Theory]
    [InlineData(16)]
    [InlineData(18)]
    public async Task Other_versions_run_from_their_packages(int major)
    {
        await using var server = await PostgresServer.StartAsync(options: new PostgresOptions(Major: major));

        (await server.ScalarAsync<string>("SHOW server_version_num")).ShouldStartWith(major.ToString());
    }
}
