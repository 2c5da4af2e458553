namespace ShardProxy.Transport;

/// <summary>Takes clients off one listening socket, without waiting. Loop's thread only. Disposing it leaves the socket open; the end of the loop closes it.</summary>
internal interface IAcceptSource : IDisposable
{
    /// <summary>A client, or <paramref name="failure"/> says why there is none.</summary>
    bool TryAccept(out AcceptedSocket accepted, out AcceptFailure failure);

    /// <summary>The last failure in words.</summary>
    string FailureText { get; }
}
