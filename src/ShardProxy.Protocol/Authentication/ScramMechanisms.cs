namespace ShardProxy.Protocol.Authentication;

/// <summary>Names of the SASL mechanisms as they stand in messages.</summary>
public static class ScramMechanisms
{
    public const string Scram = "SCRAM-SHA-256";

    /// <summary>With channel binding: bound to the TLS connection's certificate.</summary>
    public const string ScramPlus = "SCRAM-SHA-256-PLUS";

    /// <summary>The one type of channel binding that PostgreSQL speaks (RFC 5929).</summary>
    internal const string BindingType = "tls-server-end-point";
}
