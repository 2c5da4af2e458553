namespace ShardProxy.Statements;

/// <summary>
/// Templates by shape, context and sensitive literals, shared by all event loops. Reading takes no lock and allocates
/// nothing; a hit is proven by comparing bytes, so a hash collision cannot give another text's template.
/// Bounded in bytes: what was not used since the clock's hand came by last goes first, and an addition looks at a
/// bounded number of templates before it evicts, so that a flood of new shapes neither stalls nor drives out what is in use.
/// </summary>
/// <remarks>
/// Structure: a table of shapes, chained by (shape, context). A shape knows the sets of slots that made its templates
/// differ, which is nearly always one set. For the empty set the template hangs on the set itself; for others a second
/// table is keyed by the literals too. Only writers, under the lock, change chains: an entry is complete before it is
/// linked and keeps its own link when it is cut out, so a reader that stands on it goes on.
/// </remarks>
public sealed class StatementCache<TTemplate>
    where TTemplate : class
{
    /// <summary>A template larger than this part of the bound is not kept.</summary>
    private const int LargestShare = 16;

    /// <summary>Slot sets of one shape; more would mean that every literal decides which literals decide.</summary>
    private const int LargestSetCount = 8;

    /// <summary>How many used templates an addition passes over before it evicts one regardless.</summary>
    private const int LargestSkipCount = 64;

    /// <summary>Objects and links of a shape and of a template, in bytes, roughly.</summary>
    private const int ShapeOverhead = 160;
    private const int EntryOverhead = 120;

    private readonly Lock _writing = new();
    private readonly long _maxBytes;
    private readonly ulong _hashMask;
    private readonly CachedShape<TTemplate>?[] _shapes;
    private readonly CachedTemplate<TTemplate>?[] _templates;
    private readonly Clock<TTemplate> _clock = new();
    private readonly StripedCounter _hits = new();
    private readonly StripedCounter _misses = new();
    private long _bytes;

    /// <param name="maxBytes">Bound of <see cref="Bytes"/>.</param>
    public StatementCache(long maxBytes)
        : this(maxBytes, ulong.MaxValue)
    {
    }

    /// <param name="hashMask">Bits of a hash that count: a test makes hashes collide.</param>
    internal StatementCache(long maxBytes, ulong hashMask)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxBytes);
        _maxBytes = maxBytes;
        _hashMask = hashMask;
        // A template with its shape takes about 1 KB; the tables' own size is within 2 % of the bound.
        var buckets = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(maxBytes / 1024, 16, 1 << 17));
        _shapes = new CachedShape<TTemplate>?[buckets];
        _templates = new CachedTemplate<TTemplate>?[buckets];
    }

    public long Hits => _hits.Value;

    public long Misses => _misses.Value;

    /// <summary>What shapes, literals and templates take, by estimate.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Templates held.</summary>
    public int Count => _clock.Count;

    /// <param name="scanned">The scan of <paramref name="sql"/>.</param>
    /// <param name="context">Stands for all that a template depends on besides the text.</param>
    public bool TryGet(ShapeScanner scanned, ReadOnlySpan<byte> sql, long context, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out TTemplate template)
    {
        var found = scanned.IsComplete ? Find(scanned, sql, context) : null;
        if (found is null)
        {
            _misses.Increment();
            template = null;
            return false;
        }
        found.MarkUsed();
        _hits.Increment();
        template = found.Template;
        return true;
    }

    /// <param name="sensitiveSlots">Slots whose literals shaped the template; others may hold anything of their class.</param>
    /// <param name="sizeInBytes">What the template itself takes.</param>
    public void Add(ShapeScanner scanned, ReadOnlySpan<byte> sql, long context, TTemplate template, int[] sensitiveSlots, int sizeInBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeInBytes);
        if (!scanned.IsComplete)
            return;
        var literals = SensitiveLiterals.Copy(scanned, sql, sensitiveSlots);
        var size = (long)sizeInBytes + literals.Length + EntryOverhead;
        if (size + scanned.Shape.Length + ShapeOverhead > _maxBytes / LargestShare)
            return;
        lock (_writing)
        {
            var shape = FindShape(scanned, context) ?? LinkShape(scanned, context);
            var set = shape.FindSet(sensitiveSlots) ?? shape.AddSet(sensitiveSlots, LargestSetCount);
            if (set is not null)
            {
                var older = FindIn(set, scanned, sql);
                var hash = SensitiveLiterals.Hash(shape.Hash, scanned, sql, sensitiveSlots) & _hashMask;
                Link(new CachedTemplate<TTemplate>(shape, set, hash, literals, template, size));
                // After linking, so that the shape is never without a template and stays linked itself.
                if (older is not null)
                    Remove(older);
            }
            if (shape.TemplateCount == 0)
                Unlink(shape);
            EvictSurplus();
        }
    }

    public void Clear()
    {
        lock (_writing)
        {
            while (_clock.Hand is { } any)
                Remove(any);
        }
    }

    private CachedTemplate<TTemplate>? Find(ShapeScanner scanned, ReadOnlySpan<byte> sql, long context)
    {
        if (FindShape(scanned, context) is not { } shape)
            return null;
        foreach (var set in shape.Sets)
        {
            if (FindIn(set, scanned, sql) is { } found)
                return found;
        }
        return null;
    }

    private CachedShape<TTemplate>? FindShape(ShapeScanner scanned, long context)
    {
        var hash = ShapeHash.Combine(scanned.Hash, (ulong)context) & _hashMask;
        var shape = Volatile.Read(ref _shapes[Bucket(hash)]);
        while (shape is not null)
        {
            if (shape.Hash == hash && shape.Context == context && scanned.Shape.SequenceEqual(shape.Shape))
                return shape;
            shape = Volatile.Read(ref shape.Next);
        }
        return null;
    }

    private CachedTemplate<TTemplate>? FindIn(SlotSet<TTemplate> set, ShapeScanner scanned, ReadOnlySpan<byte> sql)
    {
        if (set.Slots.Length == 0)
            return Volatile.Read(ref set.Only);
        var hash = SensitiveLiterals.Hash(set.Shape.Hash, scanned, sql, set.Slots) & _hashMask;
        var entry = Volatile.Read(ref _templates[Bucket(hash)]);
        while (entry is not null)
        {
            if (entry.Hash == hash && ReferenceEquals(entry.Set, set) && SensitiveLiterals.Equal(entry.Literals, scanned, sql, set.Slots))
                return entry;
            entry = Volatile.Read(ref entry.Next);
        }
        return null;
    }

    private int Bucket(ulong hash) => (int)(hash & (ulong)(_shapes.Length - 1));

    private CachedShape<TTemplate> LinkShape(ShapeScanner scanned, long context)
    {
        var hash = ShapeHash.Combine(scanned.Hash, (ulong)context) & _hashMask;
        ref var bucket = ref _shapes[Bucket(hash)];
        var shape = new CachedShape<TTemplate>(hash, context, scanned.Shape.ToArray()) { Next = bucket };
        Volatile.Write(ref bucket, shape);
        _bytes += shape.Shape.Length + ShapeOverhead;
        return shape;
    }

    private void Link(CachedTemplate<TTemplate> entry)
    {
        if (entry.Set.Slots.Length == 0)
        {
            Volatile.Write(ref entry.Set.Only, entry);
        }
        else
        {
            ref var bucket = ref _templates[Bucket(entry.Hash)];
            entry.Next = bucket;
            Volatile.Write(ref bucket, entry);
        }
        entry.Shape.TemplateCount++;
        _bytes += entry.Size;
        _clock.Add(entry);
    }

    private void EvictSurplus()
    {
        var skips = 0;
        while (_bytes > _maxBytes && _clock.Hand is { } candidate)
        {
            if (skips++ < LargestSkipCount && candidate.TakeUsed())
                _clock.Skip();
            else
                Remove(candidate);
        }
    }

    private void Remove(CachedTemplate<TTemplate> entry)
    {
        _clock.Remove(entry);
        _bytes -= entry.Size;
        if (entry.Set.Slots.Length == 0)
        {
            if (ReferenceEquals(entry.Set.Only, entry))
                Volatile.Write(ref entry.Set.Only, null);
        }
        else
        {
            ref var link = ref _templates[Bucket(entry.Hash)];
            while (!ReferenceEquals(link, entry))
                link = ref link!.Next;
            Volatile.Write(ref link, entry.Next);
        }
        if (--entry.Shape.TemplateCount == 0)
            Unlink(entry.Shape);
    }

    private void Unlink(CachedShape<TTemplate> shape)
    {
        ref var link = ref _shapes[Bucket(shape.Hash)];
        while (!ReferenceEquals(link, shape))
            link = ref link!.Next;
        Volatile.Write(ref link, shape.Next);
        _bytes -= shape.Shape.Length + ShapeOverhead;
    }
}
