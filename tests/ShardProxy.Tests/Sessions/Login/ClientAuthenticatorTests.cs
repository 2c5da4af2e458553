using ShardProxy.Configuration;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Login;

namespace ShardProxy.Tests.Sessions.Login;

public sealed class ClientAuthenticatorTests
{
    private static readonly byte[] Binding = new byte[32];
    private static readonly ScramVerifier Verifier = ScramVerifier.Create("secret");

    private readonly LoginPair _pair = new();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)] // the client sees no channel binding and says so
    public void A_password_in_the_file_logs_in_and_goes_on_to_the_shards(bool clientBinds, bool serverBinds)
    {
        var login = _pair.Run(Client("secret"), File("secret"), clientBinds ? Binding : null, serverBinds ? Binding : null);
        var greeting = LoginPair.Outcome(login);
        greeting.ProcessId.ShouldBe(4711);
        greeting.CancelKey.ShouldBe([1, 2, 3, 4]);
        greeting.Parameters.ShouldBe([new("server_version", "15.18")]);
        _pair.Accepted.ServerCredentials.ShouldBe(ServerCredentials.FromPassword("app", "secret"));
    }

    [Fact]
    public void A_verifier_in_the_file_gives_the_keys_that_log_in_to_the_shards()
    {
        _pair.Run(Client("secret"), File(Verifier.Format())).IsCompletedSuccessfully.ShouldBeTrue();
        var credentials = _pair.Accepted.ServerCredentials;
        credentials.Secret.ShouldBeOfType<ServerSecret.Scram>();

        // The same verifier stands on the shard; another pair plays it.
        new LoginPair().Run(credentials, File(Verifier.Format())).IsCompletedSuccessfully.ShouldBeTrue();
        var other = new LoginPair().Run(credentials, File(ScramVerifier.Create("secret").Format()));
        Error(other).Message.ShouldContain("another verifier");
    }

    [Fact]
    public void An_md5_hash_logs_in_by_md5_and_goes_on_to_the_shards()
    {
        var hash = Md5Password.Hash("secret", "app");
        _pair.Run(Client("secret"), File(hash)).IsCompletedSuccessfully.ShouldBeTrue();
        var credentials = _pair.Accepted.ServerCredentials;
        credentials.Secret.ShouldBe(new ServerSecret.Md5(hash));
        new LoginPair().Run(credentials, File(hash)).IsCompletedSuccessfully.ShouldBeTrue();
        Error(new LoginPair().Run(credentials, File("secret"))).Message.ShouldContain("knows only");
    }

    [Fact]
    public void Users_that_the_file_does_not_name_are_looked_up()
    {
        var authenticator = new ClientAuthenticator([], (name, _) => new(name == "app" ? Verifier.Format() : null), ScramMockVerifiers.CreateRandom());
        _pair.Run(Client("secret"), authenticator).IsCompletedSuccessfully.ShouldBeTrue();
        _pair.Accepted.Name.ShouldBe("app");
    }

    [Fact]
    public void The_names_on_the_shards_may_be_others()
    {
        _pair.Run(Client("secret"), File("secret", "shard_app", "other")).IsCompletedSuccessfully.ShouldBeTrue();
        _pair.Accepted.ServerCredentials.ShouldBe(ServerCredentials.FromPassword("shard_app", "other"));
    }

    [Fact]
    public void A_wrong_password_and_an_unknown_user_are_told_the_same()
    {
        var authenticator = File("secret");
        var wrong = Error(_pair.Run(Client("wrong"), authenticator));
        var unknown = Error(new LoginPair().Run(ServerCredentials.FromPassword("nobody", "secret"), authenticator));
        wrong.SqlState.ShouldBe(SqlStates.InvalidPassword);
        wrong.Severity.ShouldBe("FATAL");
        wrong.Message.ShouldBe("password authentication failed for user \"app\"");
        unknown.ShouldBe(wrong with { Message = "password authentication failed for user \"nobody\"" });
    }

    [Fact]
    public void A_verifier_that_is_none_lets_nobody_in()
    {
        var authenticator = new ClientAuthenticator([], (_, _) => new("secret"), ScramMockVerifiers.CreateRandom());
        Error(_pair.Run(Client("secret"), authenticator)).SqlState.ShouldBe(SqlStates.InvalidPassword);
    }

    [Fact]
    public void Another_certificate_is_refused()
    {
        Error(_pair.Run(Client("secret"), File("secret"), new byte[32], [.. Enumerable.Repeat((byte)1, 32)]))
            .SqlState.ShouldBe(SqlStates.InvalidAuthorizationSpecification);
    }

    [Theory]
    [InlineData(new byte[] { (byte)'Q', 0, 0, 0, 5, 0 })] // not a password
    [InlineData(new byte[] { (byte)'p', 0, 1, 0, 4 })] // a length over the limit
    [InlineData(new byte[] { (byte)'p', 0, 0, 0, 3 })]
    [InlineData(new byte[] { (byte)'p', 0, 0, 0, 4 })] // empty
    [InlineData(new byte[] { (byte)'p', 0, 0, 0, 10, (byte)'X', 0, 255, 255, 255, 255 })] // a mechanism that was not offered
    public void Garbage_is_a_protocol_violation(byte[] message)
    {
        var accepted = _pair.Start(() => File("secret").AuthenticateAsync(_pair.Server, "app", null, CancellationToken.None));
        _pair.Client.Output.Write(message);
        _pair.Start(async () =>
        {
            await _pair.Client.FlushAsync();
            return true;
        });
        Should.Throw<ClientLoginException>(() => LoginPair.Outcome(accepted)).Error.SqlState.ShouldBe(SqlStates.ProtocolViolation);
    }

    private static ServerCredentials Client(string password) => ServerCredentials.FromPassword("app", password);

    private static ClientAuthenticator File(string password, string? serverUser = null, string? serverPassword = null) =>
        new([new UserConfig("app", password, serverUser, serverPassword)], null, ScramMockVerifiers.CreateRandom());

    private static ServerError Error(Task<ServerGreeting> login) =>
        Should.Throw<ServerLoginException>(() => LoginPair.Outcome(login)).Error with { LocalizedSeverity = null };
}
