using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Committing;

/// <summary>What a server said to a command of the proxy's own. Neither an error nor a loss: it was done.</summary>
internal sealed record ServerAnswer(ServerConnection Server, ServerError? Error, ServerLostException? Loss)
{
    public bool Succeeded => Error is null && Loss is null;

    /// <summary>Done, or found done by somebody else: of COMMIT PREPARED and ROLLBACK PREPARED.</summary>
    public bool IsUnknownName => Error?.SqlState == SqlStates.UndefinedObject;
}
