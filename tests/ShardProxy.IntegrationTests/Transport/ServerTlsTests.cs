using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Transport.Tls;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.IntegrationTests.Transport;

/// <summary>The proxy as a TLS client of real servers: sslmode, and SCRAM bound to the channel.</summary>
public sealed class ServerTlsTests
{
    [Theory]
    [InlineData(ServerTlsMode.Prefer)]
    [InlineData(ServerTlsMode.VerifyFull)]
    public async Task Logs_in_with_channel_binding_and_queries(ServerTlsMode mode)
    {
        using var certificates = new TestCertificates();
        await using var server = await StartWithTlsAsync(certificates);
        await using var loops = new EventLoopGroup(TestEngine.Loops(1), NullLogger.Instance);
        await loops.StartAsync();
        var connector = Connector(server, mode, mode == ServerTlsMode.VerifyFull ? certificates.CaPath : null);
        var answer = await loops[0].RunAsync(async () =>
        {
            var channel = await connector.ConnectAsync(loops[0]);
            var tls = channel.Connection.ShouldBeOfType<TlsConnection>();
            var greeting = await LogInAsync(channel, tls.EndPointHash);
            greeting.ProcessId.ShouldNotBe(0);
            var value = await QueryAsync(channel, "SELECT ssl::text || repeat('x', 100000) FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
            channel.Connection.Signal!.Deadline = 0;
            channel.Connection.Dispose();
            return value;
        });
        answer.ShouldBe("true" + new string('x', 100_000));

        // A server that is told of another channel than the one it has refuses: it did check the binding.
        await loops[0].RunAsync(async () =>
        {
            var channel = await connector.ConnectAsync(loops[0]);
            var error = await Should.ThrowAsync<ServerLoginException>(() => LogInAsync(channel, new byte[32]));
            error.Message.ShouldContain("channel binding");
            channel.Connection.Signal!.Deadline = 0;
            channel.Connection.Dispose();
        });
    }

    [Fact]
    public async Task Prefers_tls_and_does_without_where_there_is_none()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var loops = new EventLoopGroup(TestEngine.Loops(1), NullLogger.Instance);
        await loops.StartAsync();
        await loops[0].RunAsync(async () =>
        {
            var channel = await Connector(server, ServerTlsMode.Prefer).ConnectAsync(loops[0]);
            await LogInAsync(channel, null);
            (await QueryAsync(channel, "SELECT 1")).ShouldBe("1");
            channel.Connection.Signal!.Deadline = 0;
            channel.Connection.Dispose();
            var e = await Should.ThrowAsync<ConnectFailedException>(() => Connector(server, ServerTlsMode.Require).ConnectAsync(loops[0]).AsTask());
            e.Reason.ShouldBe("server does not support SSL, but SSL was required");
        });
    }

    [Fact]
    public async Task Does_without_tls_where_the_server_wants_no_encrypted_login()
    {
        using var certificates = new TestCertificates();
        await using var server = await StartWithTlsAsync(certificates, "hostnossl all all 127.0.0.1/32 scram-sha-256\nhostnossl all all ::1/128 scram-sha-256\n");
        await using var loops = new EventLoopGroup(TestEngine.Loops(1), NullLogger.Instance);
        await loops.StartAsync();
        await loops[0].RunAsync(async () =>
        {
            var connection = await Opener(server, ServerTlsMode.Prefer).OpenAsync(null!, loops[0]);
            connection.Channel.Connection.ShouldNotBeOfType<TlsConnection>();
            connection.Channel.Connection.Dispose();
            var e = await Should.ThrowAsync<ServerOpenException>(() => Opener(server, ServerTlsMode.Require).OpenAsync(null!, loops[0]));
            e.Error.SqlState.ShouldBe("28000");
        });
    }

    private static ServerOpener Opener(PostgresServer server, ServerTlsMode mode) => new(
        new ShardConfig("s0", new ConnectionTarget("localhost", server.Port, PostgresServer.Database, PostgresServer.AppUser, null, mode, null)),
        LimitsConfig.Default,
        ServerCredentials.FromPassword(PostgresServer.AppUser, PostgresServer.Password),
        static () => new Stamp("cluster", "shop", "s0"));

    private static ServerConnector Connector(PostgresServer server, ServerTlsMode mode, string? root = null) => new(
        new ConnectionTarget("localhost", server.Port, PostgresServer.Database, PostgresServer.AppUser, null, mode, root),
        TimeSpan.FromSeconds(30),
        1 << 20);

    private static Task<ServerGreeting> LogInAsync(FrameChannel channel, byte[]? binding) => ServerLogin.RunAsync(
        channel, ServerCredentials.FromPassword(PostgresServer.AppUser, PostgresServer.Password), PostgresServer.Database, [], binding);

    /// <summary>The one value of the one row.</summary>
    private static async Task<string> QueryAsync(FrameChannel channel, string sql)
    {
        QueryMessage.Write(channel.Output, System.Text.Encoding.UTF8.GetBytes(sql));
        await channel.FlushAsync();
        var value = "";
        while (true)
        {
            var (type, length) = await channel.PeekFrameAsync();
            // A row of one column: column count, length, value.
            if (type == BackendMessageType.DataRow)
                value = System.Text.Encoding.UTF8.GetString(channel.Input.Unread[(Frame.HeaderLength + 6)..length]);
            channel.Input.Consume(length);
            if (type == BackendMessageType.ReadyForQuery)
                return value;
        }
    }

    private static async Task<PostgresServer> StartWithTlsAsync(TestCertificates certificates, string? hostBasedAuthentication = null)
    {
        var folder = TestFolder.New("tls");
        var certificate = Path.Combine(folder, "server.pem");
        var key = Path.Combine(folder, "server.key");
        File.Copy(certificates.ServerCertificatePath, certificate);
        File.Copy(certificates.ServerKeyPath, key);
        await Process.Start("chmod", ["600", key]).WaitForExitAsync();
        // The server insists on owning its key.
        if (Environment.UserName == "root")
            await Process.Start("chown", ["postgres", key]).WaitForExitAsync();
        var settings = new Dictionary<string, string> { ["ssl"] = "on", ["ssl_cert_file"] = certificate, ["ssl_key_file"] = key };
        if (hostBasedAuthentication is not null)
        {
            settings["hba_file"] = Path.Combine(folder, "pg_hba.conf");
            await File.WriteAllTextAsync(settings["hba_file"], hostBasedAuthentication);
        }
        return await PostgresServer.StartAsync(options: new PostgresOptions(Settings: settings));
    }
}
