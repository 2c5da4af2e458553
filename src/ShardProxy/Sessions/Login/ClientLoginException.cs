using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Login;

/// <summary>A client may not log in. Send it the error, whose severity is FATAL, and close.</summary>
public sealed class ClientLoginException(ServerError error) : Exception(error.Message)
{
    public ClientLoginException(string sqlState, string message)
        : this(new ServerError(sqlState, message) { Severity = "FATAL" })
    {
    }

    public ServerError Error { get; } = error;

    /// <summary>One and the same for a wrong password and for a user who does not exist.</summary>
    internal static ClientLoginException WrongPassword(string userName) =>
        new(SqlStates.InvalidPassword, $"password authentication failed for user \"{userName}\"");

    internal static ClientLoginException Malformed(string message) => new(SqlStates.ProtocolViolation, message);
}
