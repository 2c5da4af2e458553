using Npgsql;
using ShardProxy.IntegrationTests.Clients;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Operation;

/// <summary>Users of the file and users of the database; passwords of all kinds; encryption.</summary>
public sealed class AuthenticationTests : IAsyncLifetime
{
    private Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40));

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task The_databases_own_users_log_in_with_their_own_passwords()
    {
        // Made through a first proxy, so that the verifier is the same on every shard.
        var first = await _cluster.StartProxyAsync();
        await using (var admin = await WireClient.ConnectAsync(first.Endpoint))
        {
            await admin.MustAsync("CREATE ROLE alice LOGIN PASSWORD 'wonderland'");
            await admin.MustAsync("CREATE ROLE nologin_role NOLOGIN PASSWORD 'x'");
        }
        var verifiers = await Task.WhenAll(_cluster.Shards.Select(static shard => shard.ScalarAsync<string>("SELECT rolpassword FROM pg_authid WHERE rolname = 'alice'")));
        verifiers.Distinct().Count().ShouldBe(1);
        (await first.StopAsync()).ShouldBe(0);

        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["letters"] = "{ key: id }" }, Sections: "authentication: { pass_through: true }"));
        await using (var admin = await WireClient.ConnectAsync(proxy.Endpoint))
        {
            await admin.MustAsync("CREATE TABLE letters (id int4 PRIMARY KEY)");
            await admin.MustAsync("GRANT SELECT ON letters TO alice");
        }
        var alice = proxy.Endpoint with { User = "alice", Password = "wonderland" };
        await using (var client = await WireClient.ConnectAsync(alice))
        {
            for (var id = 0; id < 8; id++)
            {
                await client.MustAsync($"SELECT * FROM letters WHERE id = {id}");
                (await client.QueryAsync($"INSERT INTO letters VALUES ({id})")).First(static message => message.Type == 'E').SqlState.ShouldBe("42501");
            }
            (await client.ScalarAsync("SELECT current_user")).ShouldBe("alice");
        }
        foreach (var wrong in (Endpoint[])[alice with { Password = "wrong" }, alice with { User = "nobody" }, alice with { User = "nologin_role", Password = "x" }])
            (await Should.ThrowAsync<WireException>(() => WireClient.ConnectAsync(wrong))).SqlState.ShouldBeOneOf("28P01", "28000");
        // A changed password counts from the next login on.
        await using (var admin = await WireClient.ConnectAsync(proxy.Endpoint))
            await admin.MustAsync("ALTER ROLE alice PASSWORD 'looking glass'");
        await using (var client = await WireClient.ConnectAsync(alice with { Password = "looking glass" }))
        {
            for (var id = 0; id < 8; id++)
                await client.MustAsync($"SELECT * FROM letters WHERE id = {id}");
        }
        (await Should.ThrowAsync<WireException>(() => WireClient.ConnectAsync(alice))).SqlState.ShouldBe("28P01");
    }

    [Fact]
    public async Task A_verifier_in_the_file_is_as_good_as_a_password()
    {
        var verifier = await _cluster.Home.ScalarAsync<string>("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'");
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Users: "users:\n  - { name: reader, password: \"" + verifier + "\", server_user: app, server_password: \"se'cret \\\\1\" }"));
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint with { User = "reader" });
        (await client.ScalarAsync("SELECT current_user")).ShouldBe("app");
        (await Should.ThrowAsync<WireException>(() => WireClient.ConnectAsync(proxy.Endpoint with { User = "reader", Password = "wrong" }))).SqlState.ShouldBe("28P01");
    }

    [Fact]
    public async Task TLS_in_the_clients_usual_modes()
    {
        var folder = TestFolder.New("tls");
        await ClientProgram.RunAsync(
            new Endpoint("", 0, "", "", ""),
            "openssl",
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", $"{folder}/key.pem", "-out", $"{folder}/cert.pem"]);
        var proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["secrets"] = "{ key: id }" },
            Tls: $"{{ mode: require, certificate: {folder}/cert.pem, key: {folder}/key.pem }}"));
        (await Should.ThrowAsync<WireException>(() => WireClient.ConnectAsync(proxy.Endpoint))).SqlState.ShouldBe("28000");
        foreach (var negotiation in (SslNegotiation[])[SslNegotiation.Postgres, SslNegotiation.Direct])
        {
            var settings = new NpgsqlConnectionStringBuilder(proxy.Endpoint.ConnectionString)
            {
                SslMode = SslMode.VerifyFull,
                SslNegotiation = negotiation,
                RootCertificate = $"{folder}/cert.pem",
                Host = "localhost",
                // SCRAM-SHA-256-PLUS: both sides prove that they see the same certificate.
                ChannelBinding = ChannelBinding.Require,
            };
            await using var connection = new NpgsqlConnection(settings.ConnectionString);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("SELECT repeat('x', 300000)", connection);
            ((string)(await command.ExecuteScalarAsync())!).Length.ShouldBe(300_000);
        }
        var output = await ClientProgram.RunAsync(
            proxy.Endpoint, "env", ["PGSSLMODE=require", "psql", "-X", "-A", "-t", "-c", "\\conninfo", "-c", "SELECT 42"]);
        output.ShouldContain("SSL connection");
        output.ShouldContain("42");
    }
}
