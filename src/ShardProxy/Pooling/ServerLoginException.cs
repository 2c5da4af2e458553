using ShardProxy.Protocol.Messages;

namespace ShardProxy.Pooling;

/// <summary>A server refused the login, or did not keep to the protocol, or could not prove who it is.</summary>
public sealed class ServerLoginException(ServerError error) : Exception(error.Message)
{
    public ServerError Error { get; } = error;
}
