namespace ShardProxy.Transport;

/// <summary>What a failure to accept means for the one who accepts.</summary>
internal enum AcceptFailure
{
    /// <summary>Nobody is waiting.</summary>
    None,

    /// <summary>That one client is gone; the next may be there.</summary>
    TryNext,

    /// <summary>No descriptors or memory: trying again at once would spin.</summary>
    BackOff,
}
