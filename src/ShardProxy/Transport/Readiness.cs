namespace ShardProxy.Transport;

/// <summary>What a <see cref="Connection"/> can do now without blocking, or what its user waits for.</summary>
[Flags]
public enum Readiness : byte
{
    None = 0,

    /// <summary>Bytes have arrived, or the peer closed or failed: <see cref="Connection.TryReceive"/> will say which.</summary>
    Readable = 1,

    /// <summary>The socket takes bytes again after a <see cref="Connection.TrySend"/> that took fewer than offered.</summary>
    Writable = 2,
}
