using System.Globalization;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Listening;

/// <summary>Why a start-up is refused, with PostgreSQL's wording and SQLSTATE where it has them.</summary>
internal static class StartupErrors
{
    internal static ClientRefusedException InvalidLength() => Fatal(SqlStates.ProtocolViolation, "invalid length of startup packet");

    internal static ClientRefusedException InvalidLayout() => Fatal(SqlStates.ProtocolViolation, "invalid startup packet layout");

    internal static ClientRefusedException UnsupportedVersion(int version)
    {
        var major = (version >> 16) & 0xFFFF;
        var minor = version & 0xFFFF;
        return Fatal(
            SqlStates.FeatureNotSupported,
            string.Create(CultureInfo.InvariantCulture, $"unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.2"));
    }

    internal static ClientRefusedException BufferedPlaintext() => Fatal(
        SqlStates.ProtocolViolation,
        "received unencrypted data after SSL request",
        "This could be either a client-software bug or evidence of an attempted man-in-the-middle attack.");

    internal static ClientRefusedException NoUserName() =>
        Fatal(SqlStates.InvalidAuthorizationSpecification, "no PostgreSQL user name specified in startup packet");

    internal static ClientRefusedException TlsRequired() => Fatal(
        SqlStates.InvalidAuthorizationSpecification,
        "this proxy accepts encrypted connections only",
        hint: "Connect with sslmode=require or stronger.");

    internal static ClientRefusedException CertificateRequired() =>
        Fatal(SqlStates.InvalidAuthorizationSpecification, "connection requires a valid client certificate");

    internal static ClientRefusedException TooManyClients() => Fatal(SqlStates.TooManyConnections, "sorry, too many clients already");

    internal static ClientRefusedException Replication() => Fatal(
        SqlStates.FeatureNotSupported,
        "replication connections are not possible through the proxy",
        hint: "Connect to the shard itself.");

    internal static ClientRefusedException InvalidReplication(string value) => Fatal(
        SqlStates.InvalidParameterValue,
        $"invalid value for parameter \"replication\": \"{value}\"",
        hint: "Valid values are: \"false\", 0, \"true\", 1, \"database\".");

    internal static ClientRefusedException InvalidArgument(string argument) => Fatal(
        SqlStates.SyntaxError,
        $"invalid command-line argument for server process: {argument}",
        hint: "The proxy takes settings only: -c name=value or --name=value.");

    private static ClientRefusedException Fatal(string sqlState, string message, string? detail = null, string? hint = null) =>
        new(new ServerError(sqlState, message) { Severity = "FATAL", Detail = detail, Hint = hint });
}
