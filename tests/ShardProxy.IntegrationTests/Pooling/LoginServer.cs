using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Configuration;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.IntegrationTests.Pooling;

/// <summary>A server with TLS and a user for each way to authenticate, and a loop to log in on.</summary>
public sealed class LoginServer : IAsyncLifetime, IAsyncDisposable
{
    private readonly EventLoopGroup _loops = new(TestEngine.Loops(1), NullLogger.Instance);

    public PostgresServer Postgres { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        await _loops.StartAsync();
        var folder = TestFolder.New("login");
        var hba = Path.Combine(folder, "pg_hba.conf");
        await File.WriteAllTextAsync(hba, """
            host all clear  127.0.0.1/32 password
            host all hashed 127.0.0.1/32 md5
            host all nobody 127.0.0.1/32 trust
            host all all    127.0.0.1/32 scram-sha-256

            """);
        using var rsa = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=localhost", rsa, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(7));
        await File.WriteAllTextAsync(Path.Combine(folder, "server.crt"), certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(folder, "server.key"), rsa.ExportPkcs8PrivateKeyPem());
        // The server reads a key only when nobody else can.
        await RunAsync("chmod", "-R", "go-rwx", Path.Combine(folder, "server.key"));
        if (Environment.UserName == "root")
            await RunAsync("chown", "-R", "postgres", folder);
        Postgres = await PostgresServer.StartAsync("login", new PostgresOptions(Settings: new Dictionary<string, string>
        {
            ["hba_file"] = hba,
            ["ssl"] = "on",
            ["ssl_cert_file"] = Path.Combine(folder, "server.crt"),
            ["ssl_key_file"] = Path.Combine(folder, "server.key"),
        }));
        await Postgres.ExecuteAsync("""
            CREATE ROLE scram LOGIN PASSWORD 'pass word';
            CREATE ROLE clear LOGIN PASSWORD 'pass word';
            CREATE ROLE nobody LOGIN;
            SET password_encryption = 'md5';
            CREATE ROLE hashed LOGIN PASSWORD 'pass word';
            """);
    }

    async ValueTask IAsyncDisposable.DisposeAsync() => await DisposeAsync();

    public async Task DisposeAsync()
    {
        await Postgres.DisposeAsync();
        await _loops.DisposeAsync();
    }

    /// <summary>Logs in, runs nothing, and hangs up.</summary>
    public Task<ServerGreeting> LoginAsync(ServerCredentials credentials, string database = PostgresServer.Database, bool tls = false) =>
        _loops[0].RunAsync(async () =>
        {
            var connection = await SocketConnector.ConnectAsync(_loops[0], PostgresServer.Host, Postgres.Port, TimeSpan.FromSeconds(10));
            var channel = new FrameChannel(connection, 1 << 20);
            var signal = new LoopSignal(_loops[0]) { Deadline = Environment.TickCount64 + 30_000 };
            connection.Signal = signal;
            try
            {
                byte[]? binding = null;
                if (tls)
                    binding = await StartTlsAsync(channel, signal);
                return await ServerLogin.RunAsync(channel, credentials, database, [new("application_name", "login test")], binding);
            }
            finally
            {
                signal.Deadline = 0;
                channel.Connection.Dispose();
            }
        });

    private static async Task<byte[]?> StartTlsAsync(FrameChannel channel, LoopSignal signal)
    {
        StartupPacket.WriteSslRequest(channel.Output);
        await channel.FlushAsync();
        await channel.ReceiveAsync();
        channel.Input.Unread[0].ShouldBe((byte)'S');
        channel.Input.Consume(1);
        var encrypted = await TlsConnection.ConnectAsync(channel.Connection, TlsClientOptions.Load(ServerTlsMode.Require, null), PostgresServer.Host);
        channel.Connection = encrypted;
        encrypted.Signal = signal;
        return encrypted.EndPointHash.ShouldNotBeNull();
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0);
    }
}
