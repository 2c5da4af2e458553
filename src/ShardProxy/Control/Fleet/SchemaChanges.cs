namespace ShardProxy.Control.Fleet;

/// <summary>The last schema changes that this proxy has followed, by name; any thread.</summary>
internal sealed class SchemaChanges
{
    // Whoever waits for one looks every few milliseconds, so a handful would do.
    private const int Kept = 64;

    private readonly Lock _lock = new();
    private readonly Queue<string> _names = [];
    private volatile string? _text;

    /// <summary>Separated by blanks; null while there are none.</summary>
    public string? Names => _text;

    public void Add(string name)
    {
        lock (_lock)
        {
            _names.Enqueue(name);
            if (_names.Count > Kept)
                _names.Dequeue();
            _text = string.Join(' ', _names);
        }
    }

    /// <summary>Whether a proxy that reports <paramref name="names"/> has followed the change.</summary>
    public static bool Has(string? names, string name) => names is not null && names.Contains(name, StringComparison.Ordinal);
}
