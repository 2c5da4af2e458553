namespace ShardProxy.Listening;

/// <summary>Counts the clients let in, over all loops, against limits.max_clients.</summary>
public sealed class ClientGate(int limit)
{
    private volatile int _limit = limit;
    private int _count;

    /// <summary>Changes with the configuration; who is in stays in.</summary>
    public int Limit
    {
        get => _limit;
        set => _limit = value;
    }

    public int Count => Volatile.Read(ref _count);

    /// <summary>True: in, and <see cref="Leave"/> is due.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _count) <= _limit)
            return true;
        Interlocked.Decrement(ref _count);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _count);
}
