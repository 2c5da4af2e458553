namespace ShardProxy.Transport;

/// <summary>A server could not be reached. The message says where and why, for the last address that was tried.</summary>
public sealed class ConnectFailedException(string address, string reason, Exception? inner = null)
    : IOException($"could not connect to {address}: {reason}", inner)
{
    public string Address { get; } = address;

    public string Reason { get; } = reason;
}
