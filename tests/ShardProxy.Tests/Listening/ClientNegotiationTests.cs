using System.Buffers.Binary;
using ShardProxy.Configuration;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Transport;
using ShardProxy.Tests.Transport.Tls;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Tests.Listening;

public sealed class ClientNegotiationTests(TestCertificates certificates) : IClassFixture<TestCertificates>
{
    private static readonly byte[] SslRequest = [0, 0, 0, 8, 4, 210, 22, 47];
    private static readonly byte[] GssEncRequest = [0, 0, 0, 8, 4, 210, 22, 48];

    private static (string, string)[] Options(string value) => [("user", "app"), ("options", value)];

    [Fact]
    public void A_start_up_is_handed_over_with_what_it_says()
    {
        var harness = new NegotiationHarness();
        harness.SendStartup(
            StartupPacket.Version30,
            ("user", "app"), ("database", "shop"), ("options", @"-c search_path=a\ b --statement-timeout=5s"), ("application_name", "psql"));
        var client = harness.Clients.ShouldHaveSingleItem();
        client.User.ShouldBe("app");
        client.Database.ShouldBe("shop");
        client.ProtocolVersion.ShouldBe(StartupPacket.Version30);
        client.CancelKeyLength.ShouldBe(4);
        client.Tls.ShouldBeNull();
        client.Settings.ShouldBe([new("search_path", "a b"), new("statement_timeout", "5s"), new("application_name", "psql")]);
        harness.Received().ShouldBe("");
        harness.Gate.Count.ShouldBe(1);
        harness.EndClients();
        harness.ShouldClose();
        harness.Gate.Count.ShouldBe(0);
    }

    [Fact]
    public void The_database_is_the_users_name_by_default()
    {
        var harness = new NegotiationHarness();
        harness.SendStartup(parameters: ("user", "app"));
        harness.Clients[0].Database.ShouldBe("app");
    }

    [Fact]
    public void It_may_come_byte_by_byte()
    {
        var harness = new NegotiationHarness();
        foreach (var b in GssEncRequest)
            harness.Send([b]);
        harness.Received().ShouldBe("N");
        foreach (var b in SslRequest)
            harness.Send([b]);
        harness.Received().ShouldBe("N");
        foreach (var b in NegotiationHarness.Startup(StartupPacket.Version32, ("user", "app")).Unread.ToArray())
            harness.Send([b]);
        harness.Clients[0].CancelKeyLength.ShouldBe(32);
        harness.Received().ShouldBe("");
    }

    [Theory]
    [InlineData(StartupPacket.Version30 | 1, StartupPacket.Version30 | 1, false)]
    [InlineData(StartupPacket.Version32, StartupPacket.Version32, false)]
    [InlineData(StartupPacket.Version30 | 3, StartupPacket.Version32, true)]
    [InlineData(StartupPacket.Version30 | 9999, StartupPacket.Version32, true)]
    public void A_newer_minor_version_is_negotiated(int asked, int agreed, bool told)
    {
        var harness = new NegotiationHarness();
        harness.SendStartup(asked, ("user", "app"));
        harness.Clients[0].ProtocolVersion.ShouldBe(agreed);
        var answer = harness.Client.TakePending();
        if (!told)
        {
            answer.ShouldBeEmpty();
            return;
        }
        answer[0].ShouldBe((byte)'v');
        NegotiateProtocolVersionMessage.TryRead(answer.AsSpan(5), out var message).ShouldBeTrue();
        message.Version.ShouldBe(StartupPacket.Version32);
        message.OptionCount.ShouldBe(0);
    }

    [Fact]
    public void Unknown_protocol_options_are_named_and_ignored()
    {
        var harness = new NegotiationHarness();
        harness.SendStartup(StartupPacket.Version30, ("user", "app"), ("_pq_.column_encryption", "1"), ("_pq_.x", ""));
        NegotiateProtocolVersionMessage.TryRead(harness.Client.TakePending().AsSpan(5), out var message).ShouldBeTrue();
        message.Version.ShouldBe(StartupPacket.Version30);
        message.GetOptions().ShouldBe(["_pq_.column_encryption", "_pq_.x"]);
        harness.Clients[0].Settings.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(2, 0, "unsupported frontend protocol 2.0: server supports 3.0 to 3.2")]
    [InlineData(4, 7, "unsupported frontend protocol 4.7: server supports 3.0 to 3.2")]
    public void Another_major_version_is_refused(int major, int minor, string message)
    {
        var harness = new NegotiationHarness();
        harness.SendStartup((major << 16) | minor, ("user", "app"));
        var error = harness.ReceivedError();
        error.SqlState.ShouldBe("0A000");
        error.Message.ShouldBe(message);
        harness.ShouldClose();
    }

    [Fact]
    public void Encryption_is_asked_for_once()
    {
        var harness = new NegotiationHarness();
        harness.Send(SslRequest);
        harness.Received().ShouldBe("N");
        harness.Send(SslRequest);
        harness.ReceivedError().Message.ShouldStartWith("unsupported frontend protocol 1234.5679");
        harness.ShouldClose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("user=")]
    public void Without_a_user_it_is_refused(string which)
    {
        var harness = new NegotiationHarness();
        harness.SendStartup(StartupPacket.Version30, which.Length == 0 ? ("database", "shop") : ("user", ""));
        var error = harness.ReceivedError();
        error.SqlState.ShouldBe("28000");
        error.Message.ShouldBe("no PostgreSQL user name specified in startup packet");
        harness.ShouldClose();
    }

    [Theory]
    [InlineData("-B 100", "-B")]
    [InlineData("-c", "-c")]
    [InlineData("-c nothing", "-c")]
    [InlineData("--=x", "--=x")]
    public void Options_other_than_settings_are_refused(string options, string named)
    {
        var harness = new NegotiationHarness();
        harness.SendStartup(parameters: Options(options));
        var error = harness.ReceivedError();
        error.SqlState.ShouldBe("42601");
        error.Message.ShouldBe($"invalid command-line argument for server process: {named}");
    }

    [Theory]
    [InlineData("database", "0A000")]
    [InlineData("TRUE", "0A000")]
    [InlineData("maybe", "22023")]
    public void Replication_is_refused(string value, string sqlState)
    {
        var harness = new NegotiationHarness();
        harness.SendStartup(StartupPacket.Version30, ("user", "app"), ("replication", value));
        harness.ReceivedError().SqlState.ShouldBe(sqlState);
    }

    [Fact]
    public void Replication_switched_off_is_nothing_special()
    {
        var harness = new NegotiationHarness();
        harness.SendStartup(StartupPacket.Version30, ("user", "app"), ("replication", "false"));
        harness.Clients.Count.ShouldBe(1);
    }

    [Fact]
    public void A_cancel_request_reaches_the_handler_and_is_not_answered()
    {
        var harness = new NegotiationHarness();
        var buffer = new ByteBuffer();
        StartupPacket.WriteCancelRequest(buffer, 4711, [1, 2, 3, 4]);
        harness.Send(buffer);
        var (processId, key) = harness.Cancels.ShouldHaveSingleItem();
        processId.ShouldBe(4711);
        key.ShouldBe([1, 2, 3, 4]);
        harness.Received().ShouldBe("");
        harness.Server.IsDisposed.ShouldBeTrue();
        harness.Gate.Count.ShouldBe(0);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n")]
    [InlineData("\x7f\xff\xff\xff")]
    [InlineData("\0\0\0\x04")]
    [InlineData("\0\0\0\0")]
    [InlineData("\xff\xff\xff\xff garbage")]
    public void An_impossible_length_is_refused(string text)
    {
        var harness = new NegotiationHarness();
        harness.Send(System.Text.Encoding.Latin1.GetBytes(text));
        harness.ReceivedError().SqlState.ShouldBe("08P01");
        harness.ShouldClose();
    }

    [Fact]
    public void A_broken_layout_is_refused()
    {
        var harness = new NegotiationHarness();
        harness.Send([0, 0, 0, 14, 0, 3, 0, 0, (byte)'u', (byte)'s', (byte)'e', (byte)'r', 0, (byte)'x']);
        harness.ReceivedError().SqlState.ShouldBe("08P01");
        harness.ShouldClose();
    }

    [Fact]
    public void Random_bytes_never_do_harm()
    {
        var random = new Random(20240817);
        for (var i = 0; i < 2_000; i++)
        {
            var harness = new NegotiationHarness();
            var bytes = new byte[random.Next(1, 60)];
            random.NextBytes(bytes);
            // Half of them with a sound length, so that the codes behind it are reached.
            if (i % 2 == 0 && bytes.Length >= 8)
            {
                BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length);
                bytes[4] = (byte)random.Next(0, 5);
                bytes[5] = (byte)random.Next(0, 256);
            }
            harness.Send(bytes);
            harness.Clients.ShouldBeEmpty();
            harness.ShouldClose();
        }
    }

    [Fact]
    public void A_client_that_leaves_before_it_speaks_is_forgotten()
    {
        var harness = new NegotiationHarness();
        harness.ShouldClose();
        harness.Clients.ShouldBeEmpty();
    }

    [Fact]
    public void A_slow_login_ends_at_its_deadline()
    {
        var harness = new NegotiationHarness(loginMilliseconds: 20);
        var startup = NegotiationHarness.Startup(StartupPacket.Version30, ("user", "app")).Unread.ToArray();
        var until = Environment.TickCount64 + 20;
        // Each byte shows that the client lives; the limit is for the whole all the same.
        harness.Send(startup.AsSpan(0, 1));
        harness.Loop.LookAtDeadlines();
        SpinWait.SpinUntil(() => Environment.TickCount64 > until, Waiting.Limit).ShouldBeTrue();
        harness.Client.TrySend(startup.AsSpan(1, 1));
        harness.Loop.LookAtDeadlines();
        harness.Server.IsDisposed.ShouldBeTrue();
        harness.Clients.ShouldBeEmpty();
    }

    [Fact]
    public void Too_many_clients_are_refused_and_the_others_stay()
    {
        var harness = new NegotiationHarness(maxClients: 1);
        harness.SendStartup(parameters: ("user", "first"));
        harness.Connect();
        harness.SendStartup(parameters: ("user", "second"));
        harness.ReceivedError().SqlState.ShouldBe("53300");
        harness.Clients.ShouldHaveSingleItem().User.ShouldBe("first");
        harness.EndClients();
        harness.Gate.Count.ShouldBe(0);
    }

    [Fact]
    public void Encrypted_start_up()
    {
        var harness = new NegotiationHarness(certificates.Config(TlsMode.Require));
        harness.Send(SslRequest);
        harness.Received().ShouldBe("S");
        var tls = harness.Loop.Run(() => ConnectTls(harness.Client));
        var channel = new FrameChannel(tls, 1024);
        Send(harness, channel, NegotiationHarness.Startup(StartupPacket.Version30, ("user", "app")));
        var client = harness.Clients.ShouldHaveSingleItem();
        client.Tls.ShouldNotBeNull().EndPointHash.ShouldBe(tls.EndPointHash);
        harness.EndClients();
        harness.ShouldClose();
    }

    [Fact]
    public void Direct_tls_start_up()
    {
        var harness = new NegotiationHarness(certificates.Config(TlsMode.Prefer));
        var tls = harness.Loop.Run(() => ConnectTls(harness.Client));
        Send(harness, new FrameChannel(tls, 1024), NegotiationHarness.Startup(StartupPacket.Version30, ("user", "app")));
        harness.Clients.ShouldHaveSingleItem().Tls.ShouldNotBeNull();
    }

    [Fact]
    public void Direct_tls_without_a_certificate_closes()
    {
        var harness = new NegotiationHarness();
        harness.Send([22, 3, 1, 0, 5, 1, 0, 0, 1, 0]);
        harness.Received().ShouldBe("");
        harness.Server.IsDisposed.ShouldBeTrue();
    }

    [Fact]
    public void Plain_text_behind_an_ssl_request_is_an_attack()
    {
        var harness = new NegotiationHarness(certificates.Config(TlsMode.Require));
        harness.Send([.. SslRequest, .. NegotiationHarness.Startup(StartupPacket.Version30, ("user", "app")).Unread]);
        var error = harness.ReceivedError();
        error.SqlState.ShouldBe("08P01");
        error.Message.ShouldBe("received unencrypted data after SSL request");
        harness.Clients.ShouldBeEmpty();
        harness.ShouldClose();
    }

    [Theory]
    [InlineData(TlsMode.Require)]
    [InlineData(TlsMode.VerifyClient)]
    public void Plain_text_is_refused_where_encryption_is_required(TlsMode mode)
    {
        var harness = new NegotiationHarness(certificates.Config(mode, withCa: true));
        harness.SendStartup(parameters: ("user", "app"));
        harness.ReceivedError().SqlState.ShouldBe("28000");
        harness.ShouldClose();
    }

    [Fact]
    public void A_client_without_a_certificate_is_told_so()
    {
        var harness = new NegotiationHarness(certificates.Config(TlsMode.VerifyClient, withCa: true));
        var tls = harness.Loop.Run(() => ConnectTls(harness.Client));
        var channel = new FrameChannel(tls, 1024);
        Send(harness, channel, NegotiationHarness.Startup(StartupPacket.Version30, ("user", "app")));
        var (type, length) = harness.Loop.Run(() => channel.PeekFrameAsync());
        type.ShouldBe((byte)'E');
        ErrorResponseMessage.TryRead(channel.Input.Unread[5..length], out var message).ShouldBeTrue();
        ServerError.From(message.Fields).Message.ShouldBe("connection requires a valid client certificate");
    }

    private static ValueTask<TlsConnection> ConnectTls(Connection connection) =>
        TlsConnection.ConnectAsync(connection, TlsClientOptions.Load(ServerTlsMode.Require, null), "localhost");

    private static void Send(NegotiationHarness harness, FrameChannel channel, ByteBuffer message)
    {
        channel.Output.Write(message.Unread);
        harness.Loop.Run(() => channel.FlushAsync());
    }
}
