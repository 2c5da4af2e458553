namespace ShardProxy.IntegrationTests.Wire;

/// <summary>The server refused the login.</summary>
public sealed class WireException(WireMessage error) : Exception(error.ToString())
{
    public WireMessage Error { get; } = error;

    public string SqlState => Error.SqlState;
}
