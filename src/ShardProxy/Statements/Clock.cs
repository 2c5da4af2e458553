namespace ShardProxy.Statements;

/// <summary>
/// Templates in a ring with a hand on the next to be evicted. A new one enters behind the hand, so it has a whole turn
/// to be used in. Not thread-safe but for <see cref="Count"/>.
/// </summary>
internal sealed class Clock<TTemplate>
    where TTemplate : class
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public CachedTemplate<TTemplate>? Hand { get; private set; }

    public void Skip() => Hand = Hand!.After;

    public void Add(CachedTemplate<TTemplate> entry)
    {
        if (Hand is null)
        {
            entry.Before = entry.After = entry;
            Hand = entry;
        }
        else
        {
            entry.After = Hand;
            entry.Before = Hand.Before;
            entry.Before!.After = entry;
            Hand.Before = entry;
        }
        _count++;
    }

    public void Remove(CachedTemplate<TTemplate> entry)
    {
        _count--;
        if (ReferenceEquals(entry.After, entry))
        {
            Hand = null;
        }
        else
        {
            entry.Before!.After = entry.After;
            entry.After!.Before = entry.Before;
            if (ReferenceEquals(Hand, entry))
                Hand = entry.After;
        }
        entry.Before = entry.After = null;
    }
}
