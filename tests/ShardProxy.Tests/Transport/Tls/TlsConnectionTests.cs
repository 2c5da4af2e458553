using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ShardProxy.Configuration;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Tests.Transport.Tls;

public abstract class TlsConnectionTests(LoopFixture fixture, TestCertificates certificates)
{
    private static readonly SslApplicationProtocol PostgreSql = new("postgresql");

    private static SslStream Stream(SocketPeer peer) => new(new NetworkStream(peer.Socket, ownsSocket: false));

    private Task<TlsConnection> AcceptAsync(SocketPeer peer, TlsConfig config) => fixture.Loop.RunAsync(() =>
    {
        peer.Connection.Watch();
        return TlsConnection.AcceptAsync(peer.Connection, TlsServerOptions.Load(config)!).AsTask();
    });

    private Task<TlsConnection> ConnectAsync(SocketPeer peer, ServerTlsMode mode, string? root, string host) => fixture.Loop.RunAsync(() =>
    {
        peer.Connection.Watch();
        return TlsConnection.ConnectAsync(peer.Connection, TlsClientOptions.Load(mode, root), host).AsTask();
    });

    private static SslClientAuthenticationOptions ClientOptions(SslProtocols protocols = SslProtocols.None) => new()
    {
        TargetHost = "localhost",
        EnabledSslProtocols = protocols,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
    };

    [Theory]
    [InlineData(SslProtocols.Tls12, 1, 0)]
    [InlineData(SslProtocols.Tls13, 2, 0)]
    [InlineData(SslProtocols.Tls13, 3, 4096)]
    public async Task Echoes_random_chunks_unchanged_as_server(SslProtocols protocol, int seed, int bufferSize)
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop, bufferSize);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.Require));
        using var stream = Stream(peer);
        await stream.AuthenticateAsClientAsync(ClientOptions(protocol)).WaitAsync(Waiting.Limit);
        await EchoAsync(await accepting, stream, seed);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12, 4)]
    [InlineData(SslProtocols.Tls13, 5)]
    public async Task Echoes_random_chunks_unchanged_as_client(SslProtocols protocol, int seed)
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        using var stream = Stream(peer);
        var accepting = stream.AuthenticateAsServerAsync(certificates.Server, false, protocol, false);
        var connecting = ConnectAsync(peer, ServerTlsMode.VerifyFull, certificates.CaPath, "localhost");
        await accepting.WaitAsync(Waiting.Limit);
        await EchoAsync(await connecting, stream, seed);
    }

    private async Task EchoAsync(TlsConnection connection, SslStream stream, int seed)
    {
        var sent = new byte[1_500_000];
        new Random(seed).NextBytes(sent);
        var echo = fixture.Loop.RunAsync(async () =>
        {
            var sizes = new Random(seed + 100);
            var buffer = new byte[70_000];
            for (int count; (count = await connection.ReceiveSomeAsync(buffer.AsMemory(0, sizes.Next(1, buffer.Length)))) > 0;)
            {
                fixture.Loop.IsCurrent.ShouldBeTrue();
                await connection.SendAllAsync(buffer.AsMemory(0, count));
            }
            connection.Unwatch();
            connection.Dispose();
        });
        var received = new byte[sent.Length];
        var reading = Task.Run(async () =>
        {
            await stream.ReadExactlyAsync(received);
            await stream.ShutdownAsync();
            return await stream.ReadAsync(new byte[1]);
        });
        var random = new Random(seed);
        for (var at = 0; at < sent.Length;)
        {
            var count = Math.Min(random.Next(1, 40_000), sent.Length - at);
            await stream.WriteAsync(sent.AsMemory(at, count));
            at += count;
        }
        (await reading.WaitAsync(Waiting.Limit)).ShouldBe(0);
        await echo.WaitAsync(Waiting.Limit);
        received.AsSpan().SequenceEqual(sent).ShouldBeTrue();
    }

    [Fact]
    public async Task Holds_little_while_the_peer_does_not_read()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop, 4096);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.Require));
        using var stream = Stream(peer);
        await stream.AuthenticateAsClientAsync(ClientOptions()).WaitAsync(Waiting.Limit);
        var connection = await accepting;
        var taken = await fixture.Loop.RunAsync(() =>
        {
            var total = 0;
            for (int count; (count = connection.TrySend(new byte[1 << 20])) != 0; total += count)
                count.ShouldBeGreaterThan(0);
            connection.Ready.HasFlag(Readiness.Writable).ShouldBeFalse();
            return Task.FromResult(total);
        });
        // Loopback's own buffers are a few megabytes at most; without back-pressure this would not have ended at all.
        var rest = fixture.Loop.RunAsync(async () =>
        {
            await connection.SendAllAsync(new byte[300_000]);
            connection.Unwatch();
            connection.ShutdownSend();
        });
        var read = 0;
        var buffer = new byte[64 * 1024];
        for (int count; (count = await stream.ReadAsync(buffer).AsTask().WaitAsync(Waiting.Limit)) > 0;)
            read += count;
        await rest;
        read.ShouldBe(taken + 300_000);
    }

    [Fact]
    public async Task A_round_trip_allocates_little()
    {
        // The best of several batches: in the first ones the runtime may still be compiling what it found to be hot.
        const int Batches = 20;
        const int Measured = 500;
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.Require));
        using var stream = Stream(peer);
        await stream.AuthenticateAsClientAsync(ClientOptions()).WaitAsync(Waiting.Limit);
        var connection = await accepting;
        var echo = fixture.Loop.RunAsync(async () =>
        {
            var signal = connection.Signal!;
            var buffer = new byte[512];
            var before = GC.GetAllocatedBytesForCurrentThread();
            var best = long.MaxValue;
            for (var i = 1; i <= Batches * Measured; i++)
            {
                int count;
                while ((count = connection.TryReceive(buffer)) == 0)
                {
                    connection.Interest = Readiness.Readable;
                    await signal.WaitAsync();
                }
                if (connection.TrySend(buffer.AsSpan(0, count)) != count)
                    throw new InvalidOperationException("A few bytes did not fit into the socket.");
                if (i % Measured != 0)
                    continue;
                var now = GC.GetAllocatedBytesForCurrentThread();
                best = Math.Min(best, now - before);
                before = now;
            }
            return best;
        });
        await Task.Run(() =>
        {
            var buffer = new byte[300];
            for (var i = 0; i < Batches * Measured; i++)
            {
                stream.Write(buffer);
                stream.ReadExactly(buffer);
            }
        });
        (await echo.WaitAsync(Waiting.Limit) / Measured).ShouldBeLessThan(1);
    }

    [Fact]
    public async Task Both_roles_name_the_same_channel()
    {
        var expected = SHA256.HashData(certificates.Server.RawData);
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.Require));
        using var stream = Stream(peer);
        await stream.AuthenticateAsClientAsync(ClientOptions()).WaitAsync(Waiting.Limit);
        (await accepting).EndPointHash.ShouldBe(expected);

        using var second = await SocketPeer.ConnectAsync(fixture.Loop);
        using var server = Stream(second);
        var serving = server.AuthenticateAsServerAsync(certificates.Server);
        (await ConnectAsync(second, ServerTlsMode.Require, null, "localhost")).EndPointHash.ShouldBe(expected);
        await serving;
    }

    [Fact]
    public void The_channel_binding_follows_the_certificates_hash()
    {
        using var certificate = certificates.SignServer(HashAlgorithmName.SHA384);
        ChannelBinding.ServerEndPoint(certificate).ShouldBe(SHA384.HashData(certificate.RawData));
        using var key = RSA.Create(2048);
        foreach (var (hash, length) in new[] { (HashAlgorithmName.SHA256, 32), (HashAlgorithmName.SHA512, 64), (HashAlgorithmName.SHA384, 48) })
        {
            var request = new CertificateRequest("CN=pss", key, hash, RSASignaturePadding.Pss);
            using var pss = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            ChannelBinding.ServerEndPoint(pss)!.Length.ShouldBe(length);
        }
    }

    [Theory]
    [InlineData(ServerTlsMode.Prefer, false, "elsewhere", true)]
    [InlineData(ServerTlsMode.Require, false, "elsewhere", true)]
    [InlineData(ServerTlsMode.VerifyCa, false, "elsewhere", true)]
    [InlineData(ServerTlsMode.VerifyFull, false, "elsewhere", false)]
    [InlineData(ServerTlsMode.VerifyFull, false, "db.example", true)]
    [InlineData(ServerTlsMode.VerifyFull, false, "127.0.0.1", true)]
    [InlineData(ServerTlsMode.VerifyFull, true, "db.example", false)]
    [InlineData(ServerTlsMode.VerifyCa, true, "db.example", false)]
    [InlineData(ServerTlsMode.Require, true, "db.example", false)]
    public async Task A_server_is_verified_as_libpq_does(ServerTlsMode mode, bool wrongRoot, string host, bool accepted)
    {
        var root = mode is ServerTlsMode.VerifyCa or ServerTlsMode.VerifyFull || wrongRoot
            ? wrongRoot ? certificates.StrangerCaPath : certificates.CaPath
            : null;
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        using var stream = Stream(peer);
        var serving = stream.AuthenticateAsServerAsync(certificates.Server);
        var connecting = ConnectAsync(peer, mode, root, host);
        if (accepted)
        {
            (await connecting.WaitAsync(Waiting.Limit)).PeerCertificate.ShouldNotBeNull();
            await serving;
        }
        else
        {
            await Should.ThrowAsync<TlsHandshakeException>(() => connecting.WaitAsync(Waiting.Limit));
            await fixture.Loop.RunAsync(() =>
            {
                peer.Connection.Dispose();
                return Task.CompletedTask;
            });
            // With TLS 1.3 the server may have finished before the client refused it.
            await serving.ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    [Theory]
    [InlineData("none", true)]
    [InlineData("right", true)]
    [InlineData("stranger", false)]
    public async Task A_clients_certificate_is_verified_against_the_ca(string which, bool accepted)
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.VerifyClient, withCa: true));
        using var stream = Stream(peer);
        var options = ClientOptions();
        var certificate = which switch { "right" => certificates.Client, "stranger" => certificates.StrangerClient, _ => null };
        options.LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate!;
        if (certificate is not null)
            options.ClientCertificates = [certificate];
        var client = stream.AuthenticateAsClientAsync(options);
        if (accepted)
        {
            await client.WaitAsync(Waiting.Limit);
            var shown = (await accepting.WaitAsync(Waiting.Limit)).PeerCertificate;
            (shown?.Subject).ShouldBe(certificate?.Subject);
        }
        else
        {
            await Should.ThrowAsync<TlsHandshakeException>(() => accepting.WaitAsync(Waiting.Limit));
        }
    }

    [Fact]
    public async Task Direct_tls_agrees_on_the_protocol_or_fails()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.Require));
        using var stream = Stream(peer);
        var options = ClientOptions();
        options.ApplicationProtocols = [PostgreSql];
        await stream.AuthenticateAsClientAsync(options).WaitAsync(Waiting.Limit);
        (await accepting).AgreedOnPostgreSql.ShouldBeTrue();
        stream.NegotiatedApplicationProtocol.ShouldBe(PostgreSql);

        using var second = await SocketPeer.ConnectAsync(fixture.Loop);
        var refusing = AcceptAsync(second, certificates.Config(TlsMode.Require));
        using var web = Stream(second);
        options.ApplicationProtocols = [SslApplicationProtocol.Http11];
        await Should.ThrowAsync<AuthenticationException>(() => web.AuthenticateAsClientAsync(options).WaitAsync(Waiting.Limit));
        await Should.ThrowAsync<TlsHandshakeException>(() => refusing.WaitAsync(Waiting.Limit));
    }

    [Fact]
    public async Task Bytes_that_are_no_tls_fail_the_handshake()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.Require));
        await peer.Socket.SendAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray().AsMemory());
        await Should.ThrowAsync<TlsHandshakeException>(() => accepting.WaitAsync(Waiting.Limit));
    }

    [Fact]
    public async Task A_peer_that_leaves_during_the_handshake_is_a_closed_peer()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.Require));
        await peer.Socket.SendAsync(new byte[] { 22, 3, 1, 2, 0, 1 }.AsMemory());
        peer.Socket.Shutdown(SocketShutdown.Both);
        await Should.ThrowAsync<PeerClosedException>(() => accepting.WaitAsync(Waiting.Limit));
    }

    [Fact]
    public async Task Moves_between_loops_while_idle()
    {
        using var peer = await SocketPeer.ConnectAsync(fixture.Loop);
        var accepting = AcceptAsync(peer, certificates.Config(TlsMode.Require));
        using var stream = Stream(peer);
        await stream.AuthenticateAsClientAsync(ClientOptions()).WaitAsync(Waiting.Limit);
        var connection = await accepting;
        await fixture.Loop.RunAsync(() =>
        {
            connection.Unwatch();
            return Task.CompletedTask;
        });
        const int Rounds = 300;
        var echo = Task.Run(async () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                var loop = fixture.Group[i % 2];
                connection.MoveTo(loop);
                await loop.RunAsync(async () =>
                {
                    connection.Watch();
                    var buffer = new byte[8];
                    var count = await connection.ReceiveSomeAsync(buffer);
                    await connection.SendAllAsync(buffer.AsMemory(0, count));
                    connection.Unwatch();
                });
            }
        });
        var one = new byte[1];
        for (var i = 0; i < Rounds; i++)
        {
            one[0] = (byte)i;
            await stream.WriteAsync(one);
            await stream.ReadExactlyAsync(one).AsTask().WaitAsync(Waiting.Limit);
            one[0].ShouldBe((byte)i);
        }
        await echo.WaitAsync(Waiting.Limit);
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(7, 50)]
    [InlineData(int.MaxValue, 20)]
    [InlineData(int.MaxValue, 100_000)]
    public void Survives_any_fragmentation(int maxPerCall, int capacity)
    {
        var loop = new ManualLoop();
        var (a, b) = MemoryConnection.CreatePair(loop, capacity);
        a.MaxPerCall = b.MaxPerCall = maxPerCall;
        a.Signal = new LoopSignal(loop);
        b.Signal = new LoopSignal(loop);
        var accepting = loop.Start(() => TlsConnection.AcceptAsync(a, TlsServerOptions.Load(certificates.Config(TlsMode.Require))!).AsTask());
        var client = loop.Run(() => TlsConnection.ConnectAsync(b, TlsClientOptions.Load(ServerTlsMode.VerifyFull, certificates.CaPath), "localhost"));
        var server = loop.Run(() => new ValueTask<TlsConnection>(accepting));
        client.AgreedOnPostgreSql.ShouldBeTrue();
        var data = new byte[60_000];
        new Random(maxPerCall ^ capacity).NextBytes(data);
        var talking = loop.Start(async () =>
        {
            await client.SendAllAsync(data);
            client.ShutdownSend();
            var answer = new byte[10];
            var count = 0;
            while (count < 3)
                count += await client.ReceiveSomeAsync(answer.AsMemory(count));
            return count;
        });
        var received = loop.Run(async ValueTask<byte[]> () =>
        {
            var all = new List<byte>();
            var buffer = new byte[999];
            for (int count; (count = await server.ReceiveSomeAsync(buffer)) > 0;)
                all.AddRange(buffer.AsSpan(0, count));
            await server.SendAllAsync("bye"u8.ToArray());
            return all.ToArray();
        });
        loop.Run(() => new ValueTask<int>(talking)).ShouldBe(3);
        received.AsSpan().SequenceEqual(data).ShouldBeTrue();
        server.Dispose();
        loop.Run(() => client.ReceiveSomeAsync(new byte[10])).ShouldBe(-1);
        client.Dispose();
        a.IsDisposed.ShouldBeTrue();
        b.IsDisposed.ShouldBeTrue();
    }
}

public sealed class EpollTlsConnectionTests(EpollLoops loops, TestCertificates certificates)
    : TlsConnectionTests(loops, certificates), IClassFixture<EpollLoops>, IClassFixture<TestCertificates>;

public sealed class UringTlsConnectionTests(UringLoops loops, TestCertificates certificates)
    : TlsConnectionTests(loops, certificates), IClassFixture<UringLoops>, IClassFixture<TestCertificates>;

public sealed class SocketsTlsConnectionTests(SocketsLoops loops, TestCertificates certificates)
    : TlsConnectionTests(loops, certificates), IClassFixture<SocketsLoops>, IClassFixture<TestCertificates>;
