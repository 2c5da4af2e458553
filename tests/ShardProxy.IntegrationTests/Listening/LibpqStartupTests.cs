using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using ShardProxy.Configuration;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Listening;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Login;
using ShardProxy.Tests.Transport.Tls;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.IntegrationTests.Listening;

/// <summary>psql, that is libpq, against the proxy's start-up: encryption, verification, channel binding, login.</summary>
public sealed class LibpqStartupTests : IClientHandler, IAsyncLifetime, IDisposable
{
    private readonly TestCertificates _certificates = new();
    private readonly EventLoopGroup _loops = new(TestEngine.Loops(2), NullLogger.Instance);
    private readonly ClientAuthenticator _authenticator =
        new([new UserConfig("app", "secret", null, null)], null, ScramMockVerifiers.CreateRandom());

    public Task InitializeAsync() => _loops.StartAsync();

    public async Task DisposeAsync() => await _loops.DisposeAsync();

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(TlsMode.Disable, "sslmode=prefer", 0, "plain")]
    [InlineData(TlsMode.Disable, "sslmode=require", 2, "does not support SSL")]
    [InlineData(TlsMode.Prefer, "sslmode=prefer", 0, "tls")]
    [InlineData(TlsMode.Prefer, "sslmode=disable", 0, "plain")]
    [InlineData(TlsMode.Require, "sslmode=verify-full sslrootcert={ca} channel_binding=require", 0, "tls")]
    [InlineData(TlsMode.Require, "sslmode=verify-full sslrootcert={stranger}", 2, "certificate verify failed")]
    [InlineData(TlsMode.Require, "sslmode=disable", 2, "accepts encrypted connections only")]
    [InlineData(TlsMode.VerifyClient, "sslmode=require sslcert=/nowhere sslkey=/nowhere", 2, "requires a valid client certificate")]
    [InlineData(TlsMode.VerifyClient, "sslmode=require sslcert={cert} sslkey={key}", 0, "tls")]
    public async Task Encryption_is_what_both_sides_want(TlsMode mode, string options, int exitCode, string output)
    {
        var negotiation = new ClientNegotiation(
            new TlsServerCredentials(_certificates.Config(mode, withCa: mode == TlsMode.VerifyClient)), new ClientGate(10), this, NullLogger.Instance)
        {
            LoginTimeout = TimeSpan.FromSeconds(30),
        };
        await using var listener = await ProxyListener.BindAsync(
            _loops, new ListenAddress("localhost", 0), negotiation.Start, NullLogger.Instance);
        await listener.StartAsync();
        var client = ClientFiles();
        var connection = $"host=localhost port={listener.EndPoint.Port} user=app password=secret dbname=shop "
            + options.Replace("{ca}", _certificates.CaPath).Replace("{stranger}", _certificates.StrangerCaPath)
                .Replace("{cert}", client.Certificate).Replace("{key}", client.Key);
        var start = new ProcessStartInfo("psql", ["-X", "-A", "-t", "-c", "which?", connection])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var psql = Process.Start(start)!;
        var standardOutput = psql.StandardOutput.ReadToEndAsync();
        var standardError = psql.StandardError.ReadToEndAsync();
        await psql.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        var all = await standardOutput + await standardError;
        all.ShouldContain(output);
        psql.ExitCode.ShouldBe(exitCode, all);
    }

    async Task<IAdmittedClient?> IClientHandler.AdmitAsync(NegotiatedClient client)
    {
        var channel = client.Channel;
        await _authenticator.AuthenticateAsync(channel, client.User, client.Tls?.EndPointHash, CancellationToken.None);
        channel.Connection.Signal!.Deadline = 0;
        ReadyForQueryMessage.Write(channel.Output, TransactionStatus.Idle);
        while (true)
        {
            await channel.FlushAsync();
            var (type, length) = await channel.PeekFrameAsync();
            channel.Input.Consume(length);
            if (type != FrontendMessageType.Query)
                return null;
            CommandCompleteMessage.Write(channel.Output, client.Tls is null ? "plain"u8 : "tls"u8);
            ReadyForQueryMessage.Write(channel.Output, TransactionStatus.Idle);
        }
    }

    Task IClientHandler.CancelAsync(int processId, ReadOnlyMemory<byte> key) => Task.CompletedTask;

    private (string Certificate, string Key) ClientFiles()
    {
        var certificate = _certificates.Write("client.pem", _certificates.Client.ExportCertificatePem());
        using var key = _certificates.Client.GetECDsaPrivateKey()!;
        var path = _certificates.Write("client.key", key.ExportPkcs8PrivateKeyPem());
        Process.Start("chmod", ["600", path]).WaitForExit();
        return (certificate, path);
    }
}
