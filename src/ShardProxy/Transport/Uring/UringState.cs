namespace ShardProxy.Transport.Uring;

/// <summary>What is under way for a connection, and what has become of it.</summary>
[Flags]
internal enum UringState : ushort
{
    None = 0,

    /// <summary>The multishot receive is armed: the kernel takes what arrives into buffers of the ring.</summary>
    Receiving = 1,

    /// <summary>A one-shot poll for something to receive is armed.</summary>
    PollingIn = 2,
    PollingOut = 4,
    WatchingHangUp = 8,

    /// <summary>What lets a connection go or move: each of these ends with one more completion.</summary>
    UnderWay = Receiving | PollingIn | PollingOut | WatchingHangUp,

    /// <summary>Much arrives at once: it is received by calls into the user's buffer, after a poll, instead of through the ring's buffers.</summary>
    Bulk = 16,

    /// <summary>Nothing more will arrive.</summary>
    Ended = 32,

    /// <summary>Nothing can be sent either.</summary>
    Broken = 64,

    /// <summary>A send took only what the bound of a turn allows: writable again with the submission.</summary>
    Limited = 128,

    /// <summary>The sending side is to be closed once everything is sent.</summary>
    ShutdownWhenSent = 256,

    /// <summary>Disposed; the descriptor is closed as soon as everything is sent.</summary>
    Disposed = 512,

    /// <summary>The connect is still under way.</summary>
    Connecting = 1024,
}
