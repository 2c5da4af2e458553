namespace ShardProxy.Sessions;

/// <summary>What the fast path made of what stands in the client's input.</summary>
public enum FastStart
{
    /// <summary>It is not for the fast path; nothing was consumed.</summary>
    NotFast,

    /// <summary>It was sent to the server; its replies are to be relayed.</summary>
    Started,

    /// <summary>The lease request is queued; try again when it was answered. Nothing was consumed.</summary>
    Queued,
}
