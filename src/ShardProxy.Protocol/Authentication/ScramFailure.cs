namespace ShardProxy.Protocol.Authentication;

/// <summary>Why a SCRAM exchange ended.</summary>
public enum ScramFailure
{
    None,

    /// <summary>The message does not follow RFC 5802 or asks for what is not supported: a protocol violation.</summary>
    Malformed,

    /// <summary>The two sides do not see the same TLS certificate, or a middleman took the better mechanism off the list.</summary>
    ChannelBinding,

    /// <summary>The proof is not that of the stored password.</summary>
    WrongPassword,

    /// <summary>Keys were given instead of a password, and the server asks with another salt or iteration count.</summary>
    OtherSalt,

    /// <summary>The server did not prove that it knows the verifier: it is not the one it claims to be.</summary>
    WrongServer,
}
