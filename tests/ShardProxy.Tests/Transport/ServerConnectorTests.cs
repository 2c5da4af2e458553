using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using ShardProxy.Configuration;
using ShardProxy.Tests.Transport.Tls;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Tests.Transport;

public abstract class ServerConnectorTests(LoopFixture fixture, TestCertificates certificates)
{
    private static readonly byte[] SslRequest = [0, 0, 0, 8, 4, 210, 22, 47];

    private readonly TcpListener _server = Listen();

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    private ConnectionTarget Target(ServerTlsMode mode, string? root = null, string host = "127.0.0.1") =>
        new(host, ((IPEndPoint)_server.LocalEndpoint).Port, "shop", "app", null, mode, root);

    private Task<FrameChannel> ConnectAsync(ConnectionTarget target, double seconds = 20, bool withoutTls = false) =>
        fixture.Loop.RunAsync(() =>
            new ServerConnector(target, TimeSpan.FromSeconds(seconds), 1 << 20).ConnectAsync(fixture.Loop, withoutTls).AsTask());

    /// <summary>Accepts one client, checks that it asks for TLS, answers.</summary>
    private async Task<TcpClient> AnswerAsync(string answer)
    {
        var client = await _server.AcceptTcpClientAsync();
        var request = new byte[8];
        await client.GetStream().ReadExactlyAsync(request);
        request.ShouldBe(SslRequest);
        await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(answer));
        return client;
    }

    private async Task<SslStream> EncryptAsync()
    {
        var client = await AnswerAsync("S");
        var stream = new SslStream(client.GetStream());
        await stream.AuthenticateAsServerAsync(certificates.Server);
        return stream;
    }

    /// <summary>The channel works in both directions.</summary>
    private async Task TalkAsync(FrameChannel channel, Stream server)
    {
        var talk = fixture.Loop.RunAsync(async () =>
        {
            fixture.Loop.IsCurrent.ShouldBeTrue();
            channel.Output.Write("ping"u8);
            await channel.FlushAsync();
            while (channel.Input.Count < 4)
                await channel.ReceiveAsync();
            var echoed = channel.Input.Unread.SequenceEqual("pong"u8);
            channel.Connection.Signal!.Deadline = 0;
            channel.Connection.Dispose();
            return echoed;
        });
        var buffer = new byte[4];
        await server.ReadExactlyAsync(buffer).AsTask().WaitAsync(Waiting.Limit);
        buffer.ShouldBe("ping"u8.ToArray());
        await server.WriteAsync("pong"u8.ToArray());
        (await talk.WaitAsync(Waiting.Limit)).ShouldBeTrue();
    }

    [Theory]
    [InlineData(ServerTlsMode.Prefer)]
    [InlineData(ServerTlsMode.Require)]
    [InlineData(ServerTlsMode.VerifyFull)]
    public async Task Encrypts_where_the_server_can(ServerTlsMode mode)
    {
        var serving = EncryptAsync();
        var channel = await ConnectAsync(Target(mode, mode == ServerTlsMode.VerifyFull ? certificates.CaPath : null));
        channel.Connection.ShouldBeOfType<TlsConnection>().EndPointHash.ShouldNotBeNull();
        channel.Connection.Signal!.Deadline.ShouldNotBe(0);
        await TalkAsync(channel, await serving);
    }

    [Fact]
    public async Task Disabled_does_not_ask()
    {
        var accepting = _server.AcceptTcpClientAsync();
        var channel = await ConnectAsync(Target(ServerTlsMode.Disable));
        await TalkAsync(channel, (await accepting).GetStream());
    }

    [Fact]
    public async Task Preferred_does_without_where_the_server_cannot()
    {
        var serving = AnswerAsync("N");
        var channel = await ConnectAsync(Target(ServerTlsMode.Prefer));
        await TalkAsync(channel, (await serving).GetStream());
    }

    [Theory]
    [InlineData("E")]
    [InlineData("S")]
    public async Task Preferred_tries_again_without_after_a_failure(string answer)
    {
        var plain = Task.Run(async () =>
        {
            (await AnswerAsync(answer)).Dispose();
            return await _server.AcceptTcpClientAsync();
        });
        var channel = await ConnectAsync(Target(ServerTlsMode.Prefer));
        channel.Connection.ShouldNotBeOfType<TlsConnection>();
        await TalkAsync(channel, (await plain).GetStream());
    }

    [Fact]
    public async Task Preferred_can_be_told_to_do_without()
    {
        var accepting = _server.AcceptTcpClientAsync();
        await TalkAsync(await ConnectAsync(Target(ServerTlsMode.Prefer), withoutTls: true), (await accepting).GetStream());
        await Should.ThrowAsync<ArgumentException>(() => ConnectAsync(Target(ServerTlsMode.Require), withoutTls: true));
    }

    [Theory]
    [InlineData("N", "server does not support SSL, but SSL was required")]
    [InlineData("Eno", "the server answered the SSL request with an error")]
    [InlineData("X", "received invalid response to SSL negotiation: 0x58")]
    [InlineData("Sextra", "received unencrypted data after SSL response")]
    public async Task Required_fails_otherwise(string answer, string reason)
    {
        var serving = AnswerAsync(answer);
        var e = await Should.ThrowAsync<ConnectFailedException>(() => ConnectAsync(Target(ServerTlsMode.Require)));
        e.Reason.ShouldBe(reason);
        (await serving).Dispose();
    }

    [Fact]
    public async Task A_certificate_that_does_not_verify_is_said_in_words()
    {
        var serving = EncryptAsync().ContinueWith(static _ => { }, TaskScheduler.Default);
        var wrongRoot = await Should.ThrowAsync<ConnectFailedException>(() => ConnectAsync(Target(ServerTlsMode.VerifyCa, certificates.StrangerCaPath)));
        wrongRoot.Reason.ShouldContain("certificate verify failed");
        await serving;
        serving = EncryptAsync().ContinueWith(static _ => { }, TaskScheduler.Default);
        var missing = await Should.ThrowAsync<ConnectFailedException>(() => ConnectAsync(Target(ServerTlsMode.VerifyFull, "/nowhere/root.crt")));
        missing.Reason.ShouldStartWith("/nowhere/root.crt cannot be read");
        await serving;
    }

    [Fact]
    public async Task A_server_that_says_nothing_ends_at_the_deadline()
    {
        var accepting = _server.AcceptTcpClientAsync();
        var e = await Should.ThrowAsync<ConnectFailedException>(() => ConnectAsync(Target(ServerTlsMode.Require), seconds: 0.2));
        e.Reason.ShouldBe("no answer in time");
        (await accepting).Dispose();
    }

    [Fact]
    public async Task A_unix_socket_is_not_encrypted()
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("sp").FullName;
        try
        {
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(Path.Combine(directory, ".s.PGSQL.5432")));
            listener.Listen(1);
            var channel = await ConnectAsync(Target(ServerTlsMode.Require, host: directory) with { Port = 5432 });
            using var accepted = await listener.AcceptAsync();
            await TalkAsync(channel, new NetworkStream(accepted));
        }
        finally
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
    }
}

public sealed class EpollServerConnectorTests(EpollLoops loops, TestCertificates certificates)
    : ServerConnectorTests(loops, certificates), IClassFixture<EpollLoops>, IClassFixture<TestCertificates>;

public sealed class UringServerConnectorTests(UringLoops loops, TestCertificates certificates)
    : ServerConnectorTests(loops, certificates), IClassFixture<UringLoops>, IClassFixture<TestCertificates>;

public sealed class SocketsServerConnectorTests(SocketsLoops loops, TestCertificates certificates)
    : ServerConnectorTests(loops, certificates), IClassFixture<SocketsLoops>, IClassFixture<TestCertificates>;
