using ShardProxy.Protocol.Messages;

namespace ShardProxy.Listening;

/// <summary>The client cannot be served; it is told so, in PostgreSQL's words where PostgreSQL has some, and the connection ends.</summary>
public sealed class ClientRefusedException(ServerError error) : Exception(error.Message)
{
    public ServerError Error { get; } = error;
}
