using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Shards;

/// <summary>A refusal or failure with all that an ErrorResponse to the client needs.</summary>
public sealed class SqlException(ServerError error, Exception? inner = null) : Exception(error.Message, inner)
{
    public SqlException(string sqlState, string message, string? hint = null)
        : this(new ServerError(sqlState, message) { Hint = hint })
    {
    }

    public ServerError Error { get; } = error;

    public string SqlState => Error.SqlState;

    public string? Hint => Error.Hint;
}
