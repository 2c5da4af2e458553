using System.Buffers.Binary;
using System.Numerics;

namespace ShardProxy.Merging.Rows;

/// <summary>Numbers different runs of bytes from 0 in the order in which they first come: a hash table within a budget.</summary>
internal sealed class IdentityTable
{
    private const int InitialSlots = 256;

    /// <summary>An entry and its share of the slots.</summary>
    private const int EntryBytes = 48;

    // The clients choose what is hashed, so that the hash must not be known to them.
    private static readonly ulong Seed = (ulong)Random.Shared.NextInt64() | 1;

    private readonly MemoryBudget _budget;
    private readonly ByteArena _arena;
    private Entry[] _entries = new Entry[InitialSlots / 2];

    // Index of an entry plus one; 0 is free.
    private int[] _slots = new int[InitialSlots];

    public IdentityTable(MemoryBudget budget)
    {
        _budget = budget;
        _arena = new ByteArena(budget);
    }

    public int Count { get; private set; }

    /// <returns>True when these bytes were not there yet.</returns>
    public bool Add(ReadOnlySpan<byte> identity, out int index)
    {
        var hash = Hash(identity);
        var mask = _slots.Length - 1;
        for (var slot = (int)hash & mask; ; slot = (slot + 1) & mask)
        {
            index = _slots[slot] - 1;
            if (index < 0)
            {
                index = Insert(identity, hash, slot);
                return true;
            }
            ref readonly var entry = ref _entries[index];
            if (entry.Hash == hash && entry.Identity.Span.SequenceEqual(identity))
                return false;
        }
    }

    private int Insert(ReadOnlySpan<byte> identity, ulong hash, int slot)
    {
        _budget.Charge(EntryBytes);
        if (Count == _entries.Length)
            Grow(hash, ref slot);
        _entries[Count] = new Entry(hash, _arena.Add(identity));
        _slots[slot] = ++Count;
        return Count - 1;
    }

    // Half of the slots stay free.
    private void Grow(ulong hash, ref int free)
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _slots = new int[_slots.Length * 2];
        for (var i = 0; i < Count; i++)
            _slots[FreeSlot(_entries[i].Hash)] = i + 1;
        free = FreeSlot(hash);
    }

    private int FreeSlot(ulong hash)
    {
        var mask = _slots.Length - 1;
        var slot = (int)hash & mask;
        while (_slots[slot] != 0)
            slot = (slot + 1) & mask;
        return slot;
    }

    private static ulong Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = Seed ^ (ulong)bytes.Length;
        while (bytes.Length >= sizeof(ulong))
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[sizeof(ulong)..];
        }
        var rest = 0UL;
        for (var i = 0; i < bytes.Length; i++)
            rest |= (ulong)bytes[i] << (i * 8);
        return Mix(hash ^ rest);
    }

    // The product's two halves folded together, with the multiplier of splitmix64.
    private static ulong Mix(ulong value)
    {
        var high = Math.BigMul(value, 0x9E3779B97F4A7C15 ^ Seed, out var low);
        return BitOperations.RotateLeft(high ^ low, 23);
    }

    private readonly record struct Entry(ulong Hash, Stored Identity);
}
