using System.Text;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Tests.Sessions.Login;

namespace ShardProxy.Tests.Pooling;

/// <summary>Logins to servers that do what ours never does.</summary>
public sealed class ServerLoginTests
{
    private readonly LoginPair _pair = new();
    private readonly ServerCredentials _credentials = ServerCredentials.FromPassword("app", "secret");

    [Fact]
    public void A_server_that_asks_for_nothing_is_fine()
    {
        var login = Login(to =>
        {
            AuthenticationMessage.WriteOk(to);
            new ServerError("00000", "hello") { Severity = "NOTICE" }.WriteNotice(to);
            ReadyForQueryMessage.Write(to, TransactionStatus.Idle);
        });
        LoginPair.Outcome(login).ProcessId.ShouldBe(0);
    }

    [Fact]
    public void A_password_in_the_clear_is_sent_when_asked_for()
    {
        var login = Login(to =>
        {
            AuthenticationMessage.WriteCleartextPassword(to);
            AuthenticationMessage.WriteOk(to);
            ReadyForQueryMessage.Write(to, TransactionStatus.Idle);
        });
        login.IsCompletedSuccessfully.ShouldBeTrue();
        Encoding.ASCII.GetString(ReceivedByServer()).ShouldContain("secret\0");
    }

    [Fact]
    public void An_error_carries_the_servers_words()
    {
        var login = Login(to => new ServerError("3D000", "database \"shop\" does not exist") { Severity = "FATAL" }.WriteError(to));
        Should.Throw<ServerLoginException>(() => LoginPair.Outcome(login)).Error.SqlState.ShouldBe("3D000");
    }

    [Fact]
    public void A_server_that_skips_its_proof_is_refused()
    {
        var login = Login(to =>
        {
            AuthenticationMessage.WriteSasl(to, "SCRAM-SHA-256");
            AuthenticationMessage.WriteOk(to);
            ReadyForQueryMessage.Write(to, TransactionStatus.Idle);
        });
        Refused(login).SqlState.ShouldBe(SqlStates.ProtocolViolation);
    }

    [Fact]
    public void A_server_that_is_ready_before_it_authenticates_is_refused() =>
        Refused(Login(static to => ReadyForQueryMessage.Write(to, TransactionStatus.Idle))).SqlState.ShouldBe(SqlStates.ProtocolViolation);

    [Fact]
    public void A_mechanism_that_is_not_known_is_named_as_the_reason() =>
        Refused(Login(static to => AuthenticationMessage.WriteSasl(to, "OAUTHBEARER"))).Message.ShouldContain("no SASL mechanism");

    private Task<ServerGreeting> Login(Action<ByteBuffer> script)
    {
        script(_pair.Server.Output);
        _pair.Start(async () =>
        {
            await _pair.Server.FlushAsync();
            return true;
        });
        return _pair.Start(() => ServerLogin.RunAsync(_pair.Client, _credentials, "shop", []));
    }

    private byte[] ReceivedByServer()
    {
        while (_pair.Server.TryReceive())
        {
        }
        return _pair.Server.Input.Unread.ToArray();
    }

    private static ServerError Refused(Task<ServerGreeting> login) =>
        Should.Throw<ServerLoginException>(() => LoginPair.Outcome(login)).Error;
}
