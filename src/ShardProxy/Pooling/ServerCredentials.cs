using ShardProxy.Protocol.Authentication;

namespace ShardProxy.Pooling;

/// <summary>What the proxy can prove itself with to a server. Secret.</summary>
public abstract record ServerSecret
{
    private ServerSecret()
    {
    }

    /// <summary>For messages: never the secret.</summary>
    public sealed override string ToString() => GetType().Name;

    /// <summary>Answers every kind of password request.</summary>
    public sealed record Password(string Text) : ServerSecret;

    /// <summary>What a client showed in its own SCRAM exchange: answers SCRAM where the same verifier is stored.</summary>
    public sealed record Scram(ScramKeys Keys) : ServerSecret;

    /// <summary>The stored hash "md5…": answers MD5 requests.</summary>
    public sealed record Md5(string Hash) : ServerSecret;
}

/// <summary>Who a session is on the shards.</summary>
/// <param name="Secret">Null when there is none: good where the server asks for nothing.</param>
public sealed record ServerCredentials(string User, ServerSecret? Secret)
{
    private volatile ScramKeys? _derived;

    public static ServerCredentials FromPassword(string user, string? password) =>
        new(user, password is null ? null : new ServerSecret.Password(password));

    /// <summary>
    /// Keys derived from the password at the last login. Servers of one cluster mostly store different salts, but the
    /// connections to one server are many, and deriving costs a millisecond of the loop's time.
    /// </summary>
    internal ScramKeys? Derived
    {
        get => _derived;
        set => _derived = value;
    }

    public bool Equals(ServerCredentials? other) => other is not null && User == other.User && Equals(Secret, other.Secret);

    public override int GetHashCode() => HashCode.Combine(User, Secret);

    /// <summary>For messages: never the secret.</summary>
    public override string ToString() => User;
}
