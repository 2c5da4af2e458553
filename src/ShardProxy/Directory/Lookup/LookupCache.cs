using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace ShardProxy.Directory.Lookup;

/// <summary>
/// Where keys of lookup groups live, as far as this proxy has asked: positive and negative answers, in a number of bytes
/// that never grows beyond the bound. A look-up takes no lock and allocates nothing; a write locks one part.
/// </summary>
/// <remarks>
/// The bytes are cut into sets of <see cref="SetBytes"/>; a key's hash says which set can hold it. In a set entries stand one
/// after the other, oldest first, and the oldest make room. Each set has a version that is odd while it is written; a reader
/// that sees it odd or changed looks again, and says "not known" rather than wait.
/// <code>
/// set:    used (2), entry, entry, …          entry: tag (2), group (2), length (2), slot (2), key
/// </code>
/// </remarks>
public sealed class LookupCache
{
    /// <summary>The key has no place: asked and found nowhere.</summary>
    public const int None = -1;

    /// <summary>Not known here.</summary>
    public const int Unknown = -2;

    /// <summary>Some 30 integer keys, which a look-up goes through in less time than a cache miss takes.</summary>
    private const int SetBytes = 512;

    private const int SetsPerChunk = 2048;
    private const int SetHeader = 2;
    private const int EntryHeader = 8;
    private const int LockCount = 64;
    private const int Attempts = 3;

    /// <summary>Longer keys are asked for each time.</summary>
    private const int LongestKey = SetBytes - SetHeader - EntryHeader;

    /// <summary>A negative answer carries the generation in which it was given, as -1 - generation.</summary>
    private const int Generations = short.MaxValue;

    private const int Absent = int.MinValue;

    private readonly byte[]?[] _chunks;
    private readonly int[] _versions;
    private readonly Lock[] _locks = new Lock[LockCount];
    private readonly ConcurrentDictionary<string, ushort> _groups = new(StringComparer.Ordinal);
    private readonly ulong _seed = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1;
    private readonly bool _sharesStore;
    private readonly Lock _epochLock = new();
    private volatile int _generation;
    private string? _epoch;
    private long _placings;
    private long _moves;
    private int _lastGroup;
    private volatile bool _hasForgotten;

    /// <param name="bytes">The bound, index included.</param>
    /// <param name="sharesStore">
    /// Other proxies may give a key its place at any time, so that a negative answer holds only as long as the store, asked
    /// again, still knows nothing of the key: <see cref="Find"/> does not give it.
    /// </param>
    public LookupCache(long bytes, bool sharesStore)
    {
        _sharesStore = sharesStore;
        // One byte more for a set's part of the list of chunks.
        var sets = (int)Math.Clamp(bytes / (SetBytes + sizeof(int) + 1), 1, int.MaxValue / 2);
        _versions = new int[sets];
        _chunks = new byte[]?[(sets + SetsPerChunk - 1) / SetsPerChunk];
        for (var index = 0; index < LockCount; index++)
            _locks[index] = new Lock();
    }

    /// <summary>Bytes that it holds now: what was written to once is kept.</summary>
    public long HeldBytes =>
        ((long)_versions.Length * sizeof(int)) + ((long)_chunks.Length * IntPtr.Size) + _chunks.Sum(static chunk => (long)(chunk?.Length ?? 0));

    /// <summary>A place that was asked for is not in it any more, or never was, because there was no room.</summary>
    public bool HasForgotten => _hasForgotten;

    /// <summary>A group's number in this cache, the same for its id ever after.</summary>
    public ushort Register(string group) => _groups.GetOrAdd(group, _ => checked((ushort)Interlocked.Increment(ref _lastGroup)));

    /// <summary>The key's slot, <see cref="None"/> or <see cref="Unknown"/>.</summary>
    public int Find(ushort group, ReadOnlySpan<byte> key)
    {
        if (key.Length > LongestKey)
            return Unknown;
        var hash = Hash(group, key);
        var set = SetOf(hash);
        if (Volatile.Read(ref _chunks[set / SetsPerChunk]) is not { } chunk)
            return Unknown;
        ReadOnlySpan<byte> area = chunk.AsSpan(set % SetsPerChunk * SetBytes, Math.Min(SetBytes, chunk.Length));
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var before = Volatile.Read(ref _versions[set]);
            if ((before & 1) != 0)
                continue;
            var position = PositionOf(area, (ushort)hash, group, key);
            var slot = position < 0 ? Absent : BinaryPrimitives.ReadInt16LittleEndian(area[(position + 6)..]);
            Volatile.ReadBarrier();
            if (_versions[set] != before)
                continue;
            return slot >= 0 ? slot : slot == NoneNow && !_sharesStore ? None : Unknown;
        }
        return Unknown;
    }

    /// <summary>Grows when a key begins or ends to move; taken before the store is asked.</summary>
    public long MoveTicket => Interlocked.Read(ref _moves);

    /// <summary>To be called before what is known of a key that moves is removed.</summary>
    public void NoteMove() => Interlocked.Increment(ref _moves);

    /// <summary>Remembers a place that was asked for, unless a key has moved since the ticket was taken.</summary>
    public void Set(ushort group, ReadOnlySpan<byte> key, int slot, long moveTicket) => Write(group, key, slot, replacesPlace: true, moveTicket);

    /// <summary>As the other, for who knows that nothing moves.</summary>
    public void Set(ushort group, ReadOnlySpan<byte> key, int slot) => Set(group, key, slot, MoveTicket);

    /// <summary>To be called before and after keys are given places, so that no older "nowhere" is remembered of them.</summary>
    public void NotePlacing() => Interlocked.Increment(ref _placings);

    /// <summary>For <see cref="SetNone"/>, taken before the question is asked.</summary>
    public long Ticket => Interlocked.Read(ref _placings);

    /// <summary>Remembers that the key is nowhere, unless keys were given places since the ticket was taken.</summary>
    /// <param name="epoch">Of the store's answer that it does not know the key.</param>
    public void SetNone(ushort group, ReadOnlySpan<byte> key, string epoch, long ticket)
    {
        lock (_epochLock)
        {
            if (_epoch != epoch)
                ForgetNone();
            _epoch = epoch;
            Write(group, key, NoneNow, replacesPlace: false, ticket);
        }
    }

    /// <summary>The key was looked for on the shards and is nowhere, if the store of this epoch knows nothing of it now.</summary>
    public bool IsNone(ushort group, ReadOnlySpan<byte> key, string epoch)
    {
        if (key.Length > LongestKey)
            return false;
        var hash = Hash(group, key);
        var set = SetOf(hash);
        lock (_epochLock)
        {
            lock (_locks[set % LockCount])
            {
                if (_epoch != epoch || _chunks[set / SetsPerChunk] is null)
                    return false;
                var area = AreaOf(set);
                var position = PositionOf(area, (ushort)hash, group, key);
                return position >= 0 && BinaryPrimitives.ReadInt16LittleEndian(area[(position + 6)..]) == NoneNow;
            }
        }
    }

    public void Remove(ushort group, ReadOnlySpan<byte> key)
    {
        if (key.Length > LongestKey)
            return;
        var hash = Hash(group, key);
        var set = SetOf(hash);
        lock (_locks[set % LockCount])
        {
            if (_chunks[set / SetsPerChunk] is null)
                return;
            var area = AreaOf(set);
            var position = PositionOf(area, (ushort)hash, group, key);
            if (position < 0)
                return;
            BeginWrite(set);
            Cut(area, position, EntryHeader + key.Length);
            EndWrite(set);
        }
    }

    private void ForgetNone()
    {
        if (Interlocked.Increment(ref _generation) < Generations)
            return;
        // Numbers begin again, so nothing of the old ones may be left.
        _hasForgotten = true;
        for (var set = 0; set < _versions.Length; set++)
        {
            lock (_locks[set % LockCount])
            {
                if (_chunks[set / SetsPerChunk] is null)
                    continue;
                BeginWrite(set);
                AreaOf(set)[..SetHeader].Clear();
                EndWrite(set);
            }
        }
        _generation = 0;
    }

    /// <summary>The keys of a group that have a place here, each with its slot. Others may write meanwhile.</summary>
    public IEnumerable<(byte[] Key, int Slot)> PlacesOf(ushort group)
    {
        for (var set = 0; set < _versions.Length; set++)
        {
            foreach (var place in PlacesIn(set, group))
                yield return place;
        }
    }

    private int NoneNow => -1 - _generation;

    private List<(byte[] Key, int Slot)> PlacesIn(int set, ushort group)
    {
        var places = new List<(byte[] Key, int Slot)>();
        lock (_locks[set % LockCount])
        {
            if (_chunks[set / SetsPerChunk] is null)
                return places;
            ReadOnlySpan<byte> area = AreaOf(set);
            for (var at = SetHeader; at < Used(area);)
            {
                var length = BinaryPrimitives.ReadUInt16LittleEndian(area[(at + 4)..]);
                var slot = BinaryPrimitives.ReadInt16LittleEndian(area[(at + 6)..]);
                if (slot >= 0 && BinaryPrimitives.ReadUInt16LittleEndian(area[(at + 2)..]) == group)
                    places.Add((area.Slice(at + EntryHeader, length).ToArray(), slot));
                at += EntryHeader + length;
            }
        }
        return places;
    }

    private void Write(ushort group, ReadOnlySpan<byte> key, int slot, bool replacesPlace, long ticket)
    {
        if (key.Length > LongestKey)
        {
            _hasForgotten |= slot >= 0;
            return;
        }
        var hash = Hash(group, key);
        var set = SetOf(hash);
        lock (_locks[set % LockCount])
        {
            if (ticket != (replacesPlace ? MoveTicket : Ticket))
                return;
            _chunks[set / SetsPerChunk] ??= new byte[Math.Min(SetsPerChunk, _versions.Length - (set / SetsPerChunk * SetsPerChunk)) * SetBytes];
            var area = AreaOf(set);
            var position = PositionOf(area, (ushort)hash, group, key);
            if (position >= 0 && !replacesPlace && BinaryPrimitives.ReadInt16LittleEndian(area[(position + 6)..]) >= 0)
                return;
            BeginWrite(set);
            if (position < 0)
                position = Append(area, (ushort)hash, group, key);
            BinaryPrimitives.WriteInt16LittleEndian(area[(position + 6)..], (short)slot);
            EndWrite(set);
        }
    }

    private int Append(Span<byte> area, ushort tag, ushort group, ReadOnlySpan<byte> key)
    {
        var size = EntryHeader + key.Length;
        while (Math.Max(Used(area), SetHeader) + size > SetBytes)
        {
            _hasForgotten |= BinaryPrimitives.ReadInt16LittleEndian(area[(SetHeader + 6)..]) >= 0;
            Cut(area, SetHeader, EntryHeader + BinaryPrimitives.ReadUInt16LittleEndian(area[(SetHeader + 4)..]));
        }
        var at = Math.Max(Used(area), SetHeader);
        BinaryPrimitives.WriteUInt16LittleEndian(area[at..], tag);
        BinaryPrimitives.WriteUInt16LittleEndian(area[(at + 2)..], group);
        BinaryPrimitives.WriteUInt16LittleEndian(area[(at + 4)..], (ushort)key.Length);
        key.CopyTo(area[(at + EntryHeader)..]);
        BinaryPrimitives.WriteUInt16LittleEndian(area, (ushort)(at + size));
        return at;
    }

    private static void Cut(Span<byte> area, int position, int size)
    {
        var used = Used(area);
        area[(position + size)..used].CopyTo(area[position..]);
        BinaryPrimitives.WriteUInt16LittleEndian(area, (ushort)(used - size));
    }

    /// <summary>Safe on bytes that are being written: what it finds counts only if the version stayed the same.</summary>
    private static int PositionOf(ReadOnlySpan<byte> area, ushort tag, ushort group, ReadOnlySpan<byte> key)
    {
        var end = Math.Min(Used(area), SetBytes);
        for (var at = SetHeader; at + EntryHeader <= end;)
        {
            int length = BinaryPrimitives.ReadUInt16LittleEndian(area[(at + 4)..]);
            if (length == key.Length
                && BinaryPrimitives.ReadUInt16LittleEndian(area[at..]) == tag
                && BinaryPrimitives.ReadUInt16LittleEndian(area[(at + 2)..]) == group
                && at + EntryHeader + length <= end
                && area.Slice(at + EntryHeader, length).SequenceEqual(key))
            {
                return at;
            }
            at += EntryHeader + length;
        }
        return -1;
    }

    private static int Used(ReadOnlySpan<byte> area) => BinaryPrimitives.ReadUInt16LittleEndian(area);

    private Span<byte> AreaOf(int set) => _chunks[set / SetsPerChunk].AsSpan(set % SetsPerChunk * SetBytes, SetBytes);

    private void BeginWrite(int set)
    {
        _versions[set]++;
        Volatile.WriteBarrier();
    }

    private void EndWrite(int set)
    {
        Volatile.WriteBarrier();
        _versions[set]++;
    }

    private int SetOf(ulong hash) => (int)Math.BigMul(hash, (ulong)_versions.Length, out _);

    /// <summary>Eight bytes at a time through a multiplication whose halves are folded together.</summary>
    private ulong Hash(ushort group, ReadOnlySpan<byte> key)
    {
        var hash = Fold(_seed ^ group, (ulong)key.Length ^ 0x9E37_79B9_7F4A_7C15);
        while (key.Length >= sizeof(ulong))
        {
            hash = Fold(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(key), _seed);
            key = key[sizeof(ulong)..];
        }
        ulong rest = 0;
        for (var at = 0; at < key.Length; at++)
            rest |= (ulong)key[at] << (8 * at);
        return Fold(hash ^ rest, _seed ^ 0xD6E8_FEB8_6659_FD93);
    }

    private static ulong Fold(ulong left, ulong right) => Math.BigMul(left, right, out var low) ^ low;
}
