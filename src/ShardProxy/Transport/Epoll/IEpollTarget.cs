namespace ShardProxy.Transport.Epoll;

/// <summary>What stands behind a registered file descriptor.</summary>
internal interface IEpollTarget
{
    /// <summary>Takes note of an event mask. Loop's thread, with the loop's table locked: note it, schedule a signal, run nothing.</summary>
    void OnEvents(uint mask);

    /// <summary>The loop ends: let go of the descriptor. Loop's thread.</summary>
    void OnLoopStopped();
}
