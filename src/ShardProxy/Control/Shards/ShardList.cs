using System.Collections;
using ShardProxy.Configuration;

namespace ShardProxy.Control.Shards;

/// <summary>
/// One object for each of a database's shards, by index. It grows when a shard joins and never shrinks: who enumerates it, or holds
/// an index, goes on with what was there. Who needs several looks to agree takes an array first.
/// </summary>
internal sealed class ShardList<T>(Func<ShardConfig, int, T> make) : IReadOnlyList<T>
    where T : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private volatile T[] _items = [];

    public int Count => _items.Length;

    public T this[int index] => _items[index];

    /// <summary>Appends an object for each further shard.</summary>
    public void Follow(IReadOnlyList<ShardConfig> shards)
    {
        lock (_lock)
        {
            while (_items.Length < shards.Count)
                _items = [.. _items, make(shards[_items.Length], _items.Length)];
        }
    }

    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
