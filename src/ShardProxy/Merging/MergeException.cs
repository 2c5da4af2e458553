namespace ShardProxy.Merging;

/// <summary>A merge fails its statement; worded for the client as PostgreSQL words it where PostgreSQL has the error too.</summary>
public sealed class MergeException(string sqlState, string message, string? hint = null) : Exception(message)
{
    public string SqlState { get; } = sqlState;

    public string? Hint { get; } = hint;
}
