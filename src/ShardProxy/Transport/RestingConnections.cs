namespace ShardProxy.Transport;

/// <summary>The connections that have had their share of a turn. Loop's thread only.</summary>
internal sealed class RestingConnections
{
    private SocketConnection?[] _connections = new SocketConnection?[16];
    private int _count;

    internal bool IsEmpty => _count == 0;

    internal void Add(SocketConnection connection)
    {
        if (_count == _connections.Length)
            Array.Resize(ref _connections, _count * 2);
        _connections[_count++] = connection;
    }

    /// <summary>One that another thread has taken to its loop meanwhile is passed over.</summary>
    internal void ResumeAll(EventLoop loop)
    {
        var count = _count;
        _count = 0;
        for (var i = 0; i < count; i++)
        {
            var connection = _connections[i]!;
            _connections[i] = null;
            if (ReferenceEquals(connection.Loop, loop))
                connection.Resume();
        }
    }
}
