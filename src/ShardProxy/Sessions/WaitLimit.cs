namespace ShardProxy.Sessions;

/// <summary>What <see cref="Session.LimitWaits"/> has limited, until it is disposed.</summary>
internal readonly struct WaitLimit(Session? session) : IDisposable
{
    public void Dispose() => session?.UnlimitWaits();
}
