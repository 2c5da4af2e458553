using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Authentication;

namespace ShardProxy.IntegrationTests.Pooling;

/// <summary>Logins to a real server by every method, and our verifiers against the ones that it makes.</summary>
public sealed class ServerLoginTests(LoginServer server) : IClassFixture<LoginServer>
{
    [Theory]
    [InlineData("scram", false)]
    [InlineData("scram", true)] // SCRAM-SHA-256-PLUS
    [InlineData("clear", false)]
    [InlineData("hashed", false)]
    [InlineData("hashed", true)]
    public async Task A_password_logs_in(string user, bool tls)
    {
        var credentials = ServerCredentials.FromPassword(user, "pass word");
        var greeting = await server.LoginAsync(credentials, tls: tls);
        greeting.ProcessId.ShouldBeGreaterThan(0);
        greeting.CancelKey.Length.ShouldBe(4);
        greeting.Parameters.ShouldContain(new KeyValuePair<string, string>("application_name", "login test"));
        // Once more, with the keys that the first login derived.
        await server.LoginAsync(credentials, tls: tls);
    }

    [Fact]
    public async Task Nothing_logs_in_where_nothing_is_asked() =>
        (await server.LoginAsync(ServerCredentials.FromPassword("nobody", null))).ProcessId.ShouldBeGreaterThan(0);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_keys_of_a_clients_exchange_log_in(bool tls)
    {
        var verifier = await VerifierAsync("scram");
        var keys = ScramKeys.Derive("pass word", verifier.Salt, verifier.Iterations);
        await server.LoginAsync(new ServerCredentials("scram", new ServerSecret.Scram(keys)), tls: tls);
    }

    [Fact]
    public async Task A_stored_md5_hash_logs_in()
    {
        var hash = await server.Postgres.ScalarAsync<string>("SELECT rolpassword FROM pg_authid WHERE rolname = 'hashed'");
        hash.ShouldBe(Md5Password.Hash("pass word", "hashed"));
        await server.LoginAsync(new ServerCredentials("hashed", new ServerSecret.Md5(hash)));
    }

    [Theory]
    [InlineData("scram", "wrong", PostgresServer.Database, "28P01")]
    [InlineData("hashed", "wrong", PostgresServer.Database, "28P01")]
    [InlineData("stranger", "wrong", PostgresServer.Database, "28P01")]
    [InlineData("scram", "pass word", "nowhere", "3D000")]
    public async Task A_refusal_carries_the_servers_error(string user, string password, string database, string sqlState)
    {
        var refusal = await Should.ThrowAsync<ServerLoginException>(() => server.LoginAsync(ServerCredentials.FromPassword(user, password), database));
        refusal.Error.SqlState.ShouldBe(sqlState);
    }

    [Fact]
    public async Task Our_verifiers_agree_with_the_servers_on_any_password()
    {
        var random = new Random(5);
        await server.Postgres.ExecuteAsync("CREATE ROLE prepared LOGIN");
        foreach (var password in Tricky.Concat(Enumerable.Range(0, 200).Select(_ => Password(random))))
        {
            var stored = await server.Postgres.ScalarAsync<string>(
                $"ALTER ROLE prepared PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}'; SELECT rolpassword FROM pg_authid WHERE rolname = 'prepared'");
            ScramVerifier.TryParse(stored, out var verifier).ShouldBeTrue();
            verifier!.Matches(password).ShouldBeTrue(string.Join(' ', password.EnumerateRunes().Select(static rune => $"{rune.Value:X4}")));
            verifier.Format().ShouldBe(stored);
        }
    }

    private static IEnumerable<string> Tricky =>
    [
        "ﬁ", "e\u0301", "한", "\u1112\u1161\u11AB", "a\u00A0b", "x\u00ADy", "\u00AD", "Ω≈ç√", "ⅸ", "\u0627\u0628", "\u0627a\u0628", "\u0221", "\u0007\u00E9", "a\u0323\u0307", "\u1E9B\u0323", "\uD83D\uDE00",
    ];

    // Letters with marks, compatibility forms, syllables, right-to-left text, unassigned code points.
    private static string Password(Random random)
    {
        (int First, int Last)[] ranges = [(0x20, 0x7E), (0xA0, 0x17F), (0x300, 0x345), (0x5D0, 0x64A), (0x900, 0x97F), (0x1100, 0x11FF), (0x1E00, 0x1FFF), (0x2000, 0x2FFF), (0x3040, 0x30FF), (0xAC00, 0xAD00), (0xF900, 0xFFEF), (0x1D400, 0x1D7FF)];
        var text = new System.Text.StringBuilder();
        var range = ranges[random.Next(ranges.Length)];
        for (var i = random.Next(1, 12); i > 0; i--)
        {
            if (random.Next(3) == 0)
                range = ranges[random.Next(ranges.Length)];
            text.Append(new System.Text.Rune(random.Next(range.First, range.Last + 1)));
        }
        return text.ToString();
    }

    private async Task<ScramVerifier> VerifierAsync(string user)
    {
        var stored = await server.Postgres.ScalarAsync<string>($"SELECT rolpassword FROM pg_authid WHERE rolname = '{user}'");
        ScramVerifier.TryParse(stored, out var verifier).ShouldBeTrue();
        return verifier!;
    }
}
