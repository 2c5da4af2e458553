namespace ShardProxy.Execution;

/// <summary>Why <see cref="ReplyRelay.Pump"/> returned.</summary>
public enum RelayStatus
{
    /// <summary>The server owes nothing more.</summary>
    Done,

    /// <summary>Nothing more has arrived from the server.</summary>
    WantServer,

    /// <summary>The client does not take what is there already, so no more is read from the server.</summary>
    WantClient,

    /// <summary>The server asked for COPY data.</summary>
    CopyIn,
}
