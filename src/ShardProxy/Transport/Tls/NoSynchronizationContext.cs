namespace ShardProxy.Transport.Tls;

/// <summary>
/// Takes the loop's <see cref="SynchronizationContext"/> off the thread for a while. The runtime sends the continuation of
/// an await with ConfigureAwait(false) to the thread pool when the completing thread has a context; without one it runs
/// in place, which keeps the TLS engine on the loop.
/// </summary>
internal readonly ref struct NoSynchronizationContext
{
    private readonly SynchronizationContext? _saved;

    private NoSynchronizationContext(SynchronizationContext? saved) => _saved = saved;

    internal static NoSynchronizationContext Enter()
    {
        var saved = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        return new NoSynchronizationContext(saved);
    }

    public void Dispose() => SynchronizationContext.SetSynchronizationContext(_saved);
}
