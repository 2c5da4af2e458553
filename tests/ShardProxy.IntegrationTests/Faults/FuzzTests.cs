using System.Buffers.Binary;
using System.Net.Sockets;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Faults;

/// <summary>
/// Bytes that no client sends: the proxy answers 08P01 or another error, or closes; it never crashes or hangs, and the
/// shards never see a malformed message. Seeded, so that a failure can be had again.
/// </summary>
public sealed class FuzzTests : IAsyncLifetime
{
    private static readonly int Cases = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_LONG") == "1" ? 20_000 : 1500;

    /// <summary>What PostgreSQL logs of messages that cannot be read (libpq/pqformat.c, tcop/postgres.c).</summary>
    private static readonly string[] ServerComplaints =
    [
        "invalid frontend message", "invalid message length", "invalid message format", "insufficient data left in message", "invalid string in message",
        "no data left in message", "incomplete message from client",
    ];

    private Cluster _cluster = null!;
    private ProxyProcess _proxy = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2, options: new PostgresOptions(MaxConnections: 40));
        _proxy = await _cluster.StartProxyAsync(new ProxyOptions(
            Tables: new Dictionary<string, string> { ["users"] = "{ key: id }" },
            Limits: new Dictionary<string, string> { ["login_timeout"] = "2s", ["max_message_bytes"] = "1MB" }));
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await client.MustAsync("CREATE TABLE users (id int8 PRIMARY KEY, name text)");
        for (var id = 1; id <= 10; id++)
            await client.MustAsync($"INSERT INTO users VALUES ({id}, 'user {id}')");
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public Task First_packets() => WithHealthyNeighbourAsync(async random =>
    {
        await using var client = await WireClient.OpenSocketAsync(_proxy.Endpoint);
        await TrySendAsync(client, FirstPacket(random));
        client.ShutdownSend();
        await DrainAsync(client);
    });

    [Fact]
    public Task Frames_of_random_bytes() => WithHealthyNeighbourAsync(async random =>
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        var script = new FrontendScript();
        for (var count = 1 + random.Next(4); count > 0; count--)
        {
            var body = new byte[random.Next(40)];
            random.NextBytes(body);
            script.Message((char)random.Next(256), body);
        }
        await TrySendAsync(client, script.Sync().Terminate().Bytes);
        await DrainAsync(client);
    });

    [Fact]
    public Task Sound_messages_with_a_flaw() => WithHealthyNeighbourAsync(async random =>
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        var bytes = SoundScript(random).Bytes;
        for (var count = 1 + random.Next(3); count > 0; count--)
        {
            switch (random.Next(4))
            {
                case 0:
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes = [.. bytes[..random.Next(1, bytes.Length)]];
                    break;
                default:
                    var at = random.Next(bytes.Length);
                    bytes = [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]];
                    break;
            }
        }
        await TrySendAsync(client, bytes);
        await TrySendAsync(client, new FrontendScript().Sync().Terminate().Bytes);
        client.ShutdownSend();
        await DrainAsync(client);
    });

    [Fact]
    public Task Sound_messages_in_a_senseless_order() => WithHealthyNeighbourAsync(async random =>
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        var script = new FrontendScript();
        for (var count = random.Next(1, 20); count > 0; count--)
            AddSound(script, random);
        await TrySendAsync(client, script.CopyFail("enough").Sync().Terminate().Bytes);
        client.ShutdownSend();
        await DrainAsync(client);
    });

    [Theory]
    [InlineData("51FFFFFFFF")]
    [InlineData("5100000003")]
    [InlineData("5100000000")]
    [InlineData("517FFFFFFF53")]
    [InlineData("0000000004")]
    [InlineData("7A00000004")]
    [InlineData("5300000005FF")]
    [InlineData("510000000553")]
    [InlineData("5000000005FF")]
    [InlineData("42000000080000FFFF")]
    [InlineData("4500000006FFFF")]
    [InlineData("440000000558")]
    [InlineData("43000000065800")]
    public async Task A_malformed_message_is_a_protocol_violation(string hex)
    {
        await using var client = await WireClient.ConnectAsync(_proxy.Endpoint);
        await TrySendAsync(client, [.. Convert.FromHexString(hex), .. new FrontendScript().Sync().Terminate().Bytes]);
        var replies = await client.ReceiveUntilClosedAsync();
        replies.Count(static message => message.Type == 'E').ShouldBeGreaterThan(0, string.Join('\n', replies));
        replies.First(static message => message.Type == 'E').SqlState.ShouldBeOneOf("08P01", "54000");
    }

    /// <summary>A client that was there before works on through all of it, and the servers' logs tell of no malformed message.</summary>
    private async Task WithHealthyNeighbourAsync(Func<Random, Task> attack)
    {
        await using var neighbour = await WireClient.ConnectAsync(_proxy.Endpoint);
        for (var seed = 1; seed <= Cases; seed++)
        {
            try
            {
                await attack(new Random(seed));
            }
            catch (Exception exception) when (exception is TimeoutException or InvalidDataException or WireException)
            {
                Assert.Fail($"seed {seed}: {exception.Message}\n{_proxy.Log}");
            }
            _proxy.HasExited.ShouldBeFalse($"seed {seed}: {_proxy.Log}");
            if (seed % 20 == 0)
                (await neighbour.ScalarAsync($"SELECT name FROM users WHERE id = {1 + seed % 10}")).ShouldBe($"user {1 + seed % 10}", $"seed {seed}");
        }
        foreach (var shard in _cluster.Shards)
        {
            var lines = shard.Log.Split('\n');
            foreach (var complaint in ServerComplaints)
            {
                var at = Array.FindIndex(lines, line => line.Contains(complaint, StringComparison.Ordinal));
                string.Join('\n', at < 0 ? [] : lines.Skip(at - 2).Take(6)).ShouldBeEmpty();
            }
        }
    }

    /// <summary>Reads until the proxy closes; a test that waits longer than patience fails.</summary>
    private static async Task DrainAsync(WireClient client)
    {
        try
        {
            while (await client.ReceiveByteAsync() is not null)
            {
            }
        }
        catch (SocketException)
        {
            // Reset: closed all the same.
        }
    }

    private static async Task TrySendAsync(WireClient client, byte[] bytes)
    {
        try
        {
            await client.SendAsync(bytes);
        }
        catch (SocketException)
        {
            // Closed already, after an earlier part.
        }
    }

    private byte[] FirstPacket(Random random)
    {
        var sound = WireClient.StartupPacket(
            WireClient.Version30, new Dictionary<string, string> { ["user"] = _proxy.Endpoint.User, ["database"] = _proxy.Endpoint.Database });
        switch (random.Next(4))
        {
            case 0:
                var noise = new byte[random.Next(1, 64)];
                random.NextBytes(noise);
                return noise;
            case 1:
                sound[random.Next(sound.Length)] = (byte)random.Next(256);
                return sound;
            case 2:
                BinaryPrimitives.WriteInt32BigEndian(sound, random.Next(20_000));
                return sound;
            default:
                // A sound packet, then noise where the authentication's answer should be.
                var answer = new byte[random.Next(1, 64)];
                random.NextBytes(answer);
                return [.. sound, (byte)'p', .. FrontendScript.Int32(answer.Length + 4), .. answer];
        }
    }

    private static FrontendScript SoundScript(Random random)
    {
        var script = new FrontendScript();
        for (var count = random.Next(1, 6); count > 0; count--)
            AddSound(script, random);
        return script.Sync();
    }

    private static void AddSound(FrontendScript script, Random random)
    {
        var id = random.Next(1, 11).ToString();
        var name = random.Next(3) == 0 ? "" : "n" + random.Next(3);
        _ = random.Next(16) switch
        {
            0 => script.Query($"SELECT name FROM users WHERE id = {id}"),
            1 => script.Query("SELECT 1; SELECT 2"),
            2 => script.Parse("SELECT name FROM users WHERE id = $1", name),
            3 => script.Bind([id], "", name),
            4 => script.Bind([id], name, name),
            5 => script.DescribeStatement(name),
            6 => script.DescribePortal(name),
            7 => script.Execute(random.Next(3), name),
            8 => script.CloseStatement(name),
            9 => script.ClosePortal(name),
            10 => script.Flush(),
            11 => script.Sync(),
            12 => script.Query("COPY users FROM STDIN"),
            13 => script.CopyData("99\tx\n"),
            14 => random.Next(2) == 0 ? script.CopyDone() : script.CopyFail("x"),
            _ => script.Query(random.Next(2) == 0 ? "BEGIN" : "ROLLBACK"),
        };
    }
}
