using System.Collections.Concurrent;

namespace ShardProxy.Sessions.Drawing;

/// <summary>
/// Values of the home shard's sequences, drawn ahead in blocks and shared by all sessions of a database, so that a row
/// costs no round trip. To the outside it is a sequence with CACHE: values are unique, not without gaps, and not in the
/// order of the clock. A block grows while it is used up quickly. Thread-safe.
/// </summary>
public sealed class SequenceBlocks(IDatabaseControl control)
{
    private const int SmallestBlock = 16;
    private const int LargestBlock = 8192;

    /// <summary>A block that lasted no longer is followed by one of twice the size.</summary>
    private const long ShortMilliseconds = 500;

    private readonly ConcurrentDictionary<uint, Block> _blocks = new();

    /// <summary>Takes values of a sequence, in the order in which they were drawn.</summary>
    /// <param name="user">The role that must be allowed to draw; null when nobody need be asked.</param>
    /// <exception cref="SqlErrorException">As nextval() would say it.</exception>
    public async ValueTask TakeAsync(uint sequence, string? user, Memory<long> values)
    {
        var block = _blocks.GetOrAdd(sequence, static _ => new Block());
        if (block.TryTake(control.SequenceEpoch, user, values.Span))
            return;
        await block.Filling.WaitAsync();
        try
        {
            // Another session may have filled it meanwhile.
            while (!block.TryTake(control.SequenceEpoch, user, values.Span))
            {
                var epoch = control.SequenceEpoch;
                var count = block.NextSize(values.Length);
                block.Add(await control.DrawAsync(sequence, count, user), epoch, user);
            }
        }
        finally
        {
            block.Filling.Release();
        }
    }

    private sealed class Block
    {
        private readonly Lock _lock = new();
        private readonly HashSet<string> _allowed = new(StringComparer.Ordinal);
        private long[] _values = [];
        private int _taken;
        private int _size = SmallestBlock;
        private long _filledAt;
        private long _epoch;

        public SemaphoreSlim Filling { get; } = new(1);

        public bool TryTake(long epoch, string? user, Span<long> values)
        {
            lock (_lock)
            {
                if (_epoch != epoch)
                {
                    // Privileges may have changed with the schema too.
                    _epoch = epoch;
                    _values = [];
                    _taken = 0;
                    _allowed.Clear();
                }
                if (_values.Length - _taken < values.Length || (user is not null && !_allowed.Contains(user)))
                    return false;
                _values.AsSpan(_taken, values.Length).CopyTo(values);
                _taken += values.Length;
                return true;
            }
        }

        /// <summary>How many to draw so that <paramref name="wanted"/> are there.</summary>
        public int NextSize(int wanted)
        {
            lock (_lock)
            {
                var now = Environment.TickCount64;
                _size = now - _filledAt < ShortMilliseconds ? Math.Min(_size * 2, LargestBlock) : Math.Max(_size / 2, SmallestBlock);
                _filledAt = now;
                return Math.Max(wanted, _size);
            }
        }

        public void Add(long[] values, long epoch, string? user)
        {
            lock (_lock)
            {
                if (_epoch != epoch)
                    return;
                _values = [.. _values.AsSpan(_taken), .. values];
                _taken = 0;
                if (user is not null)
                    _allowed.Add(user);
            }
        }
    }
}
