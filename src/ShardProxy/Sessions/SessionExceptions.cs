using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions;

/// <summary>The proxy itself fails a statement; the error is worded for the client.</summary>
public sealed class SqlErrorException(ServerError error) : Exception(error.Message)
{
    public SqlErrorException(string sqlState, string message, string? hint = null)
        : this(new ServerError(sqlState, message) { Hint = hint })
    {
    }

    public ServerError Error { get; } = error;
}

/// <summary>A server connection ended while the session used it.</summary>
public sealed class ServerLostException(ServerConnection server, ServerError? farewell, Exception? inner) : Exception("A server connection was lost.", inner)
{
    public ServerConnection Server { get; } = server;

    /// <summary>What the server said before it went, if it did.</summary>
    public ServerError? Farewell { get; } = farewell;

    /// <summary>It may still be there, but has not answered for so long that it is given up. Null: the connection has ended.</summary>
    public TimeSpan? Silence { get; init; }
}

/// <summary>Why a session ended.</summary>
public enum SessionEnd
{
    Terminated,
    ClientGone,
    ProtocolViolation,
    Drained,
    Killed,
    IdleInTransaction,

    /// <summary>A server went away in the midst of a row, so the client's stream cannot go on.</summary>
    TornReply,
    Fault,
}

/// <summary>Unwinds a session from wherever it waits.</summary>
public sealed class SessionEndedException(SessionEnd reason) : Exception($"The session ended: {reason}.")
{
    public SessionEnd Reason { get; } = reason;
}
