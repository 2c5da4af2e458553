namespace ShardProxy.Transport.Linux;

/// <summary>
/// The targets registered with one loop. An event carries slot and generation of its target; a slot's generation rises
/// when the target leaves, so an event that was under way before that hits nobody. Not synchronised: the loop locks it.
/// </summary>
/// <typeparam name="T">What is told of events.</typeparam>
internal sealed class TargetTable<T>
    where T : class
{
    private struct Slot
    {
        public T? Target;
        public uint Generation;
        public int NextFree;
    }

    private Slot[] _slots = new Slot[64];
    private int _used;
    private int _firstFree = -1;

    /// <summary>Takes a slot; the result is the generation (upper 32 bits) and the slot, below 2^28.</summary>
    internal ulong Add(T target)
    {
        int index;
        if (_firstFree >= 0)
        {
            index = _firstFree;
            _firstFree = _slots[index].NextFree;
        }
        else
        {
            if (_used == _slots.Length)
                Array.Resize(ref _slots, _used * 2);
            index = _used++;
        }
        _slots[index].Target = target;
        return ((ulong)_slots[index].Generation << 32) | (uint)index;
    }

    internal void Remove(ulong data)
    {
        if (Find(data) is null)
            return;
        var index = (int)(uint)data;
        ref var slot = ref _slots[index];
        slot.Target = null;
        slot.Generation++;
        slot.NextFree = _firstFree;
        _firstFree = index;
    }

    /// <summary>Another target takes over what is under way for the one that is there.</summary>
    internal void Replace(ulong data, T target)
    {
        if (Find(data) is not null)
            _slots[(int)(uint)data].Target = target;
    }

    internal T? Find(ulong data)
    {
        var index = (uint)data;
        if (index >= (uint)_used)
            return null;
        ref var slot = ref _slots[index];
        return slot.Generation == (uint)(data >> 32) ? slot.Target : null;
    }

    internal T[] ToArray()
    {
        var targets = new List<T>();
        for (var i = 0; i < _used; i++)
        {
            if (_slots[i].Target is { } target)
                targets.Add(target);
        }
        return targets.ToArray();
    }
}
