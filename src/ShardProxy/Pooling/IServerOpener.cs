using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Pooling;

/// <summary>Connects, logs in and checks the stamp. Implementations throw <see cref="ServerOpenException"/> and nothing else.</summary>
public interface IServerOpener
{
    Task<ServerConnection> OpenAsync(ServerPool pool, EventLoop loop);

    /// <summary>Asks the connection's server to cancel what runs there; returns when the server has taken the request or could not be reached.</summary>
    Task CancelAsync(ServerConnection server);
}

/// <summary>No server connection could be had; the error is worded for the client.</summary>
public sealed class ServerOpenException(ServerError error, Exception? inner = null) : Exception(error.Message, inner)
{
    public ServerError Error { get; } = error;
}
