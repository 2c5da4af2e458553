namespace ShardProxy.Transport;

/// <summary>Brings an await in loop code back to the loop's thread.</summary>
internal sealed class LoopSynchronizationContext(EventLoop loop) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => loop.Post(new Action<object?>(d), state);

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!loop.IsCurrent)
            throw new NotSupportedException("Nothing waits for an event loop: use Post.");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;
}
