namespace ShardProxy.Transport;

/// <summary>The peer closed or reset the connection.</summary>
public sealed class PeerClosedException(Connection connection) : IOException($"{connection.RemoteName} closed the connection")
{
    /// <summary>Which of a session's connections it was.</summary>
    public Connection Connection { get; } = connection;
}

/// <summary>A frame's length is impossible: nothing that follows on this stream can be trusted.</summary>
public sealed class MalformedFrameException(Connection connection) : IOException($"{connection.RemoteName} sent a malformed message")
{
    /// <summary>Which of a session's connections it was.</summary>
    public Connection Connection { get; } = connection;
}
