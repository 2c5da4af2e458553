namespace ShardProxy.Protocol.Authentication;

/// <summary>
/// What stands for a password in SCRAM: good for logging in wherever the same salt and iteration count are stored, and
/// for nothing else. Secret.
/// </summary>
/// <param name="ClientKey">32 bytes.</param>
/// <param name="ServerKey">32 bytes.</param>
public sealed record ScramKeys(byte[] ClientKey, byte[] ServerKey, byte[] Salt, int Iterations)
{
    /// <summary>Whether these were derived with the salt and count that a server asks for.</summary>
    public bool Fit(ReadOnlySpan<byte> salt, int iterations) => iterations == Iterations && salt.SequenceEqual(Salt);

    /// <summary>Derives the keys; at the usual 4,096 iterations it takes about a millisecond of CPU.</summary>
    public static ScramKeys Derive(string password, byte[] salt, int iterations)
    {
        var salted = ScramCrypto.SaltPassword(SaslPrep.Prepare(password), salt, iterations);
        return new ScramKeys(
            ScramCrypto.Hmac(salted, "Client Key"u8),
            ScramCrypto.Hmac(salted, "Server Key"u8),
            salt,
            iterations);
    }

    /// <summary>For messages: never the keys.</summary>
    public override string ToString() => nameof(ScramKeys);
}
