using System.Text;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;

namespace ShardProxy.IntegrationTests.Sessions;

/// <summary>The first packets of a connection: encryption requests, versions, wrong users and passwords.</summary>
[Collection(LabCollection.Name)]
public sealed class StartupTests(Lab lab)
{
    private const int SslRequest = 80877103;
    private const int GssEncRequest = 80877104;

    [Theory]
    [InlineData(SslRequest)]
    [InlineData(GssEncRequest)]
    public async Task Encryption_that_is_off_is_declined_and_the_login_goes_on(int request)
    {
        if (Lab.IsDirect && request == GssEncRequest)
            return;
        await using var client = await WireClient.OpenSocketAsync(lab.Subject);
        await client.SendAsync([.. FrontendScript.Int32(8), .. FrontendScript.Int32(request)]);
        (await client.ReceiveByteAsync()).ShouldBe((byte)'N');
        await client.SendAsync(WireClient.StartupPacket(WireClient.Version30, LoginAs(lab.Subject)));
        await client.LogInAsync();
        (await client.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task Protocol_3_2_gives_a_longer_key_and_unknown_versions_are_negotiated()
    {
        await using (var client = await WireClient.ConnectAsync(lab.Subject, WireClient.Version32))
        {
            var negotiated = client.Greeting.Any(static message => message.Type == 'v');
            (negotiated || client.CancelKey.Length > 8).ShouldBeTrue();
        }
        var parameters = LoginAs(lab.Subject);
        parameters["_pq_.unknown_option"] = "on";
        await using (var client = await WireClient.ConnectAsync(lab.Subject, (3 << 16) | 9, parameters))
        {
            var negotiation = client.Greeting.Single(static message => message.Type == 'v');
            Encoding.ASCII.GetString(negotiation.Body).ShouldContain("_pq_.unknown_option");
            (await client.ScalarAsync("SELECT 1")).ShouldBe("1");
        }
    }

    [Fact]
    public async Task Wrong_logins_get_PostgreSQLs_errors()
    {
        Func<Endpoint, Endpoint>[] mistakes =
        [
            static endpoint => endpoint with { Password = "wrong" },
            static endpoint => endpoint with { User = "nobody" },
            static endpoint => endpoint with { Database = "missing" },
        ];
        foreach (var mistake in mistakes)
        {
            var expected = await Should.ThrowAsync<WireException>(() => WireClient.ConnectAsync(mistake(lab.Reference)));
            var actual = await Should.ThrowAsync<WireException>(() => WireClient.ConnectAsync(mistake(lab.Subject)));
            actual.SqlState.ShouldBe(expected.SqlState);
            actual.Error.Fields['S'].ShouldBe("FATAL");
        }
    }

    [Theory]
    [InlineData("00000004")]
    [InlineData("00000000")]
    [InlineData("FFFFFFFF")]
    [InlineData("7FFFFFFF00030000")]
    [InlineData("0000000800020000")]
    [InlineData("0000000900030000FF")]
    [InlineData("474554202F20485454502F312E310D0A")]
    [InlineData("0000000800030000")]
    [InlineData("0000001000030000757365720061707000")]
    public async Task Malformed_first_packets_end_the_connection(string hex)
    {
        await using (var client = await WireClient.OpenSocketAsync(lab.Subject))
        {
            await client.SendAsync(Convert.FromHexString(hex));
            // An error, also in the form of protocol 2.0, which has no length; or nothing.
            (await client.ReceiveByteAsync()).ShouldBeOneOf((byte)'E', null);
            while (await client.ReceiveByteAsync() is not null)
            {
            }
        }
        await using var healthy = await WireClient.ConnectAsync(lab.Subject);
        (await healthy.ScalarAsync("SELECT 1")).ShouldBe("1");
    }

    [Fact]
    public async Task A_start_up_packet_may_come_byte_by_byte()
    {
        await using var client = await WireClient.OpenSocketAsync(lab.Subject);
        foreach (var value in WireClient.StartupPacket(WireClient.Version30, LoginAs(lab.Subject)))
            await client.SendAsync([value]);
        await client.LogInAsync();
        foreach (var value in new FrontendScript().Query("SELECT name FROM users WHERE id = 3").Bytes)
            await client.SendAsync([value]);
        (await client.ReceiveUntilReadyAsync()).Single(static message => message.Type == 'D').TextValues[0].ShouldBe("user 3");
    }

    [Fact]
    public async Task The_database_defaults_to_the_users_name()
    {
        await using var client = await WireClient.OpenSocketAsync(lab.Subject);
        await client.SendAsync(WireClient.StartupPacket(WireClient.Version30, new Dictionary<string, string> { ["user"] = lab.Subject.User }));
        var error = await Should.ThrowAsync<WireException>(client.LogInAsync);
        error.SqlState.ShouldBe("3D000");
    }

    private static Dictionary<string, string> LoginAs(Endpoint endpoint) => new() { ["user"] = endpoint.User, ["database"] = endpoint.Database };
}
