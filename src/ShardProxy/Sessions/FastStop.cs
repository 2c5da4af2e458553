namespace ShardProxy.Sessions;

/// <summary>Why <see cref="FastLoop"/> gave the session back.</summary>
public enum FastStop
{
    /// <summary>A whole message stands in the client's input that is not for the fast path.</summary>
    Message,

    /// <summary>The statement under way asked for COPY data.</summary>
    CopyIn,

    /// <summary>The session is to end and nothing is under way.</summary>
    EndRequested,

    /// <summary>The client's bytes cannot be followed.</summary>
    Malformed,

    /// <summary>The client has closed its connection.</summary>
    ClientGone,
}
