using System.Runtime.InteropServices;

namespace ShardProxy.Pooling;

/// <summary>
/// Gives equal statement texts one <see cref="PreparedText"/>. Bounded in bytes, the longest unused leaves first; a text
/// that left and comes back gets a new name, which costs a Parse and nothing else. A text has another name after a change
/// of the schema, because a server refuses to run a statement whose columns have changed since it was prepared there.
/// </summary>
public sealed class PreparedTextRegistry
{
    private readonly long _maxBytes;
    private readonly Dictionary<Key, LinkedListNode<(Key Key, PreparedText Text)>> _entries = new(KeyComparer.Instance);
    private readonly LinkedList<(Key Key, PreparedText Text)> _recency = new();
    private readonly Lock _lock = new();
    private long _bytes;
    private long _nextId;

    public PreparedTextRegistry(long maxBytes) => _maxBytes = maxBytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <param name="schemaVersion">Of the routing state under which the client prepares it.</param>
    public PreparedText Intern(ReadOnlySpan<byte> sql, ReadOnlySpan<uint> parameterTypes, long schemaVersion)
    {
        var key = new Key(sql.ToArray(), parameterTypes.ToArray(), schemaVersion);
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out var found))
            {
                _recency.Remove(found);
                _recency.AddFirst(found);
                return found.Value.Text;
            }
            var text = new PreparedText(++_nextId, key.Sql, key.ParameterTypes);
            _entries.Add(key, _recency.AddFirst((key, text)));
            _bytes += text.Size;
            while (_bytes > _maxBytes && _recency.Last is { } oldest && oldest != _recency.First)
            {
                _recency.RemoveLast();
                _entries.Remove(oldest.Value.Key);
                _bytes -= oldest.Value.Text.Size;
            }
            return text;
        }
    }

    private readonly record struct Key(byte[] Sql, uint[] ParameterTypes, long SchemaVersion);

    private sealed class KeyComparer : IEqualityComparer<Key>
    {
        public static readonly KeyComparer Instance = new();

        public bool Equals(Key x, Key y) => x.SchemaVersion == y.SchemaVersion
            && x.Sql.AsSpan().SequenceEqual(y.Sql) && x.ParameterTypes.AsSpan().SequenceEqual(y.ParameterTypes);

        public int GetHashCode(Key key)
        {
            var hash = new HashCode();
            hash.Add(key.SchemaVersion);
            hash.AddBytes(key.Sql);
            hash.AddBytes(MemoryMarshal.AsBytes(key.ParameterTypes.AsSpan()));
            return hash.ToHashCode();
        }
    }
}
