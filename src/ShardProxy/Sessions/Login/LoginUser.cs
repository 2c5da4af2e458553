using ShardProxy.Configuration;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Authentication;

namespace ShardProxy.Sessions.Login;

/// <summary>A user as the login sees it: what its password is checked against, and who it is on the shards.</summary>
internal sealed class LoginUser
{
    private readonly StoredPassword _stored;
    private readonly string _serverUser;
    private readonly ServerCredentials? _credentials;

    private LoginUser(StoredPassword stored, string serverUser, ServerSecret? serverSecret)
    {
        _stored = stored;
        _serverUser = serverUser;
        var known = serverSecret ?? stored switch
        {
            StoredPassword.Clear clear => new ServerSecret.Password(clear.Password),
            StoredPassword.Md5 md5 => new ServerSecret.Md5(md5.Hash),
            _ => null,
        };
        if (known is not null)
            _credentials = new ServerCredentials(serverUser, known);
        Verifier = stored switch
        {
            StoredPassword.Clear clear => ScramVerifier.Create(clear.Password),
            StoredPassword.Scram scram => scram.Verifier,
            _ => null,
        };
    }

    /// <summary>Null for a user whose MD5 hash is all that is known.</summary>
    public ScramVerifier? Verifier { get; }

    public string? Md5Hash => (_stored as StoredPassword.Md5)?.Hash;

    /// <summary>Derives a verifier once from a password in the clear, so that logins need not.</summary>
    /// <param name="stored">The file's password, or the verifier that the home shard has.</param>
    public static LoginUser Create(UserConfig user, StoredPassword stored)
    {
        var secret = user.ServerPassword is { } password ? new ServerSecret.Password(password) : null;
        return new LoginUser(stored, user.ServerUser ?? user.Name, secret);
    }

    /// <summary>One object for all logins where it can be: keys derived for one are there for the next.</summary>
    /// <param name="shown">The keys from the client's SCRAM exchange; null after MD5.</param>
    public ServerCredentials CredentialsAfter(ScramKeys? shown) =>
        _credentials ?? new ServerCredentials(_serverUser, shown is null ? null : new ServerSecret.Scram(shown));
}
