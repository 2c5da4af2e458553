namespace ShardProxy.Transport.Uring;

/// <summary>What a completion is of: the lowest four bits of its user data.</summary>
internal enum UringOperation : byte
{
    /// <summary>Nobody waits for it.</summary>
    None,
    Receive,

    /// <summary>Comes only when less was sent than asked.</summary>
    Send,

    /// <summary>Something to receive, for a connection that receives by calls.</summary>
    PollIn,
    PollOut,

    /// <summary>The peer's end, for a connection that does not receive now.</summary>
    PollHangUp,
    Cancel,
    Accept,
    Wake,
}
