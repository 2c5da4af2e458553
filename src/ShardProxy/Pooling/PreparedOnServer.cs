namespace ShardProxy.Pooling;

/// <summary>
/// Which prepared statements a server connection holds: bounded in bytes, the longest unused is closed first. The
/// connection's own record: it is exact as long as every Parse, Close, DISCARD and DEALLOCATE passes through it.
/// </summary>
public sealed class PreparedOnServer
{
    private readonly long _maxBytes;
    private readonly Dictionary<PreparedText, LinkedListNode<PreparedText>> _entries = [];
    private readonly LinkedList<PreparedText> _recency = new();
    private long _bytes;

    public PreparedOnServer(long maxBytes) => _maxBytes = maxBytes;

    public int Count => _entries.Count;

    public long Bytes => _bytes;

    /// <summary>Whether it is prepared there; makes it the most recently used.</summary>
    public bool Touch(PreparedText text)
    {
        if (!_entries.TryGetValue(text, out var node))
            return false;
        if (!ReferenceEquals(_recency.First, node))
        {
            _recency.Remove(node);
            _recency.AddFirst(node);
        }
        return true;
    }

    /// <summary>Notes that a Parse for it was sent.</summary>
    public void Add(PreparedText text)
    {
        if (_entries.TryAdd(text, null!))
        {
            _entries[text] = _recency.AddFirst(text);
            _bytes += text.Size;
        }
    }

    /// <summary>A Parse failed, so it is not there after all.</summary>
    public void Remove(PreparedText text)
    {
        if (_entries.Remove(text, out var node))
        {
            _recency.Remove(node);
            _bytes -= text.Size;
        }
    }

    /// <summary>The statement that must be closed on the server to keep the bound; null when within it.</summary>
    public PreparedText? TakeExcess()
    {
        if (_bytes <= _maxBytes || _recency.Last is not { } oldest || ReferenceEquals(oldest, _recency.First))
            return null;
        Remove(oldest.Value);
        return oldest.Value;
    }

    public void Clear()
    {
        _entries.Clear();
        _recency.Clear();
        _bytes = 0;
    }
}
