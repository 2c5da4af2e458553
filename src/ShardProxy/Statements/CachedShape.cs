namespace ShardProxy.Statements;

/// <summary>A shape under one context in a <see cref="StatementCache{TTemplate}"/>.</summary>
internal sealed class CachedShape<TTemplate>(ulong hash, long context, byte[] shape)
    where TTemplate : class
{
    /// <summary>Next in the bucket of shapes.</summary>
    public CachedShape<TTemplate>? Next;

    private SlotSet<TTemplate>[] _sets = [];

    public ulong Hash { get; } = hash;

    public long Context { get; } = context;

    public byte[] Shape { get; } = shape;

    /// <summary>Templates that hang on it; at 0 the cache drops it.</summary>
    public int TemplateCount { get; set; }

    public ReadOnlySpan<SlotSet<TTemplate>> Sets => Volatile.Read(ref _sets);

    public SlotSet<TTemplate>? FindSet(ReadOnlySpan<int> slots)
    {
        foreach (var set in Sets)
        {
            if (slots.SequenceEqual(set.Slots))
                return set;
        }
        return null;
    }

    public SlotSet<TTemplate>? AddSet(ReadOnlySpan<int> slots, int maxCount)
    {
        if (_sets.Length == maxCount)
            return null;
        var set = new SlotSet<TTemplate>(this, slots.ToArray());
        Volatile.Write(ref _sets, [.. _sets, set]);
        return set;
    }
}

/// <summary>Slots that tell templates of a shape apart.</summary>
internal sealed class SlotSet<TTemplate>(CachedShape<TTemplate> shape, int[] slots)
    where TTemplate : class
{
    /// <summary>The template when <see cref="Slots"/> is empty.</summary>
    public CachedTemplate<TTemplate>? Only;

    public CachedShape<TTemplate> Shape { get; } = shape;

    public int[] Slots { get; } = slots;
}
