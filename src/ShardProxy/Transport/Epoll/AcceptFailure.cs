namespace ShardProxy.Transport.Epoll;

/// <summary>What accept4's errors mean for the one who accepts (accept(2), "Error handling").</summary>
internal enum AcceptFailure
{
    /// <summary>Nobody is waiting.</summary>
    None,

    /// <summary>That one client is gone; the next may be there.</summary>
    TryNext,

    /// <summary>No descriptors or memory: trying again at once would spin.</summary>
    BackOff,
}

internal static class AcceptFailures
{
    internal static AcceptFailure Of(int error) => error switch
    {
        Errno.Again => AcceptFailure.None,
        Errno.FilesInProcess or Errno.FilesInSystem or Errno.NoBuffers or Errno.OutOfMemory => AcceptFailure.BackOff,
        _ => AcceptFailure.TryNext,
    };
}
