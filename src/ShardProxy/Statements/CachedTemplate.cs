namespace ShardProxy.Statements;

/// <summary>A template in a <see cref="StatementCache{TTemplate}"/>. All but <see cref="MarkUsed"/> belongs to the cache's writers.</summary>
internal sealed class CachedTemplate<TTemplate>(
    CachedShape<TTemplate> shape, SlotSet<TTemplate> set, ulong hash, byte[] literals, TTemplate template, long size)
    where TTemplate : class
{
    /// <summary>Next in the bucket of templates.</summary>
    public CachedTemplate<TTemplate>? Next;

    private int _used;

    public CachedShape<TTemplate> Shape { get; } = shape;

    public SlotSet<TTemplate> Set { get; } = set;

    public ulong Hash { get; } = hash;

    /// <summary>See <see cref="SensitiveLiterals"/>.</summary>
    public byte[] Literals { get; } = literals;

    public TTemplate Template { get; } = template;

    public long Size { get; } = size;

    /// <summary>Neighbours on the clock.</summary>
    public CachedTemplate<TTemplate>? Before { get; set; }

    public CachedTemplate<TTemplate>? After { get; set; }

    /// <summary>Writes only when it changes something, so that templates in steady use stay in every core's cache.</summary>
    public void MarkUsed()
    {
        if (Volatile.Read(ref _used) == 0)
            Volatile.Write(ref _used, 1);
    }

    /// <summary>Whether it was used since the last call.</summary>
    public bool TakeUsed()
    {
        var used = Volatile.Read(ref _used) != 0;
        Volatile.Write(ref _used, 0);
        return used;
    }
}
