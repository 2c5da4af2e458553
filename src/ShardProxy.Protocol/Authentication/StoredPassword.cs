namespace ShardProxy.Protocol.Authentication;

/// <summary>What is known of a user's password: one of the three forms that a file or pg_authid can hold. Secret.</summary>
public abstract record StoredPassword
{
    private StoredPassword()
    {
    }

    /// <summary>Tells the form by its looks, as PostgreSQL does; what is neither an MD5 hash nor a SCRAM verifier is the password itself.</summary>
    public static StoredPassword Parse(string text)
    {
        if (Md5Password.IsStoredHash(text))
            return new Md5(text);
        return ScramVerifier.TryParse(text, out var verifier) ? new Scram(verifier) : new Clear(text);
    }

    /// <summary>For messages: never the secret.</summary>
    public sealed override string ToString() => GetType().Name;

    public sealed record Clear(string Password) : StoredPassword;

    public sealed record Md5(string Hash) : StoredPassword;

    public sealed record Scram(ScramVerifier Verifier) : StoredPassword;
}
