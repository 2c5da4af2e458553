using System.Text;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Pooling;

/// <summary>Answers a server's authentication requests, one after the other, until it says that all is well.</summary>
/// <remarks>
/// <code>
///   Start ─── Ok ───────────────────────────────────────────► Done
///     ├────── CleartextPassword, Md5Password ──► Answered ─ Ok ─► Done
///     └────── Sasl ► SaslFirst ─ SaslContinue ► SaslSecond ─ SaslFinal, proof checked ► Answered
/// </code>
/// A server that says Ok in the midst of SCRAM has not proved itself and is refused.
/// </remarks>
internal sealed class ServerAuthentication(ServerCredentials credentials, byte[]? channelBinding)
{
    private enum Stage
    {
        Start,
        SaslFirst,
        SaslSecond,
        Answered,
        Done,
    }

    private Stage _stage;
    private ScramClientExchange? _scram;

    public bool IsDone => _stage == Stage.Done;

    /// <param name="body">Of an Authentication message.</param>
    /// <param name="output">Where the answer goes, if the message wants one.</param>
    public void Answer(ReadOnlySpan<byte> body, ByteBuffer output)
    {
        if (!AuthenticationMessage.TryRead(body, out var message))
            throw ServerLogin.Unexpected();
        switch (_stage, message.Kind)
        {
            case (Stage.Start or Stage.Answered, AuthenticationKind.Ok):
                _stage = Stage.Done;
                break;
            case (Stage.Start, AuthenticationKind.CleartextPassword):
                WritePassword(output, Password("a password in the clear"));
                break;
            case (Stage.Start, AuthenticationKind.Md5Password):
                WritePassword(output, Md5Password.Answer(Md5Hash(), message.Data));
                break;
            case (Stage.Start, AuthenticationKind.Sasl):
                StartScram(message, output);
                break;
            case (Stage.SaslFirst, AuthenticationKind.SaslContinue):
                Check(_scram!.Continue(message.Data, out var clientFinal));
                SaslResponseMessage.Write(output, clientFinal);
                _stage = Stage.SaslSecond;
                break;
            case (Stage.SaslSecond, AuthenticationKind.SaslFinal):
                Check(_scram!.Finish(message.Data));
                if (credentials.Secret is ServerSecret.Password)
                    credentials.Derived = _scram.Keys;
                _stage = Stage.Answered;
                break;
            case (Stage.Start, _):
                throw Refused($"the server asks for an authentication method that is not supported (code {(int)message.Kind})");
            default:
                throw ServerLogin.Unexpected();
        }
    }

    private void StartScram(in AuthenticationMessage message, ByteBuffer output)
    {
        var plus = channelBinding is not null && message.Offers("SCRAM-SHA-256-PLUS"u8);
        if (!plus && !message.Offers("SCRAM-SHA-256"u8))
            throw Refused("the server offers no SASL mechanism that is supported");
        var binding = plus ? ScramBinding.ServerEndPoint : channelBinding is null ? ScramBinding.None : ScramBinding.NotOffered;
        _scram = credentials.Secret is ServerSecret.Scram scram
            ? new ScramClientExchange(scram.Keys, binding, channelBinding)
            : new ScramClientExchange(Password("SCRAM authentication"), credentials.Derived, binding, channelBinding);
        SaslInitialResponseMessage.Write(output, plus ? "SCRAM-SHA-256-PLUS"u8 : "SCRAM-SHA-256"u8, _scram.Start());
        _stage = Stage.SaslFirst;
    }

    private void WritePassword(ByteBuffer output, string password)
    {
        PasswordMessage.Write(output, Encoding.UTF8.GetBytes(password));
        _stage = Stage.Answered;
    }

    private string Md5Hash() => credentials.Secret is ServerSecret.Md5 md5
        ? md5.Hash
        : Md5Password.Hash(Password("an MD5 password"), credentials.User);

    private string Password(string asked) => credentials.Secret switch
    {
        ServerSecret.Password password => password.Text,
        null => throw Refused($"the server asks user \"{credentials.User}\" for {asked}, and no password is configured"),
        _ => throw Refused(
            $"the server asks user \"{credentials.User}\" for {asked}, and the proxy knows only what the client's own login showed",
            "Give the user's server_password in the configuration, or let the server store the password in the form that the proxy checks."),
    };

    private void Check(ScramFailure failure)
    {
        switch (failure)
        {
            case ScramFailure.None:
                return;
            case ScramFailure.WrongPassword:
                throw Refused($"password authentication failed for user \"{credentials.User}\"");
            case ScramFailure.WrongServer:
                throw Refused("the server did not prove that it knows the password's verifier");
            case ScramFailure.OtherSalt:
                throw Refused(
                    $"this server stores another verifier for user \"{credentials.User}\" than the one that the client logged in with",
                    "Pass-through needs the same rolpassword on every shard: set it by its SCRAM-SHA-256$ verifier, or give server_password.");
            default:
                throw ServerLogin.Unexpected();
        }
    }

    private static ServerLoginException Refused(string message, string? hint = null) =>
        new(new ServerError(SqlStates.InvalidPassword, message) { Hint = hint });
}
