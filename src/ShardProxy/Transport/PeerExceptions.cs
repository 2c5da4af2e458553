namespace ShardProxy.Transport;

/// <summary>The peer closed or reset the connection.</summary>
public sealed class PeerClosedException(string remoteName) : IOException($"{remoteName} closed the connection")
{
    public string RemoteName { get; } = remoteName;
}

/// <summary>A frame's length is impossible: nothing that follows on this stream can be trusted.</summary>
public sealed class MalformedFrameException(string remoteName) : IOException($"{remoteName} sent a malformed message")
{
    public string RemoteName { get; } = remoteName;
}
