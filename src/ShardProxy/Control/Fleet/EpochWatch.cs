using ShardProxy.Directory;

namespace ShardProxy.Control.Fleet;

/// <summary>
/// Whether a shared store that may have lost its memory knows all again that any live proxy remembers: every proxy that holds a
/// lease has told it, and so has every one that held a lease in the store's earlier life, unless that has ended since. Until then
/// what the store says of a key's place is not believed, and no new key gets one.
/// </summary>
internal sealed class EpochWatch(TimeSpan lease, TimeProvider clock)
{
    /// <summary>For proxies that this one has never seen, because they came just before: they look twice a second.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, long> _seen = new(StringComparer.Ordinal);
    private string? _epoch;
    private long _since;
    private volatile string? _whole;

    /// <summary>The epoch is the store's, and all have told it what they remember.</summary>
    public bool IsWhole(string epoch) => _whole == epoch;

    /// <param name="epoch">In which <paramref name="proxies"/> were read.</param>
    /// <param name="proxies">All that hold a lease, this one too.</param>
    public void Note(string epoch, IReadOnlyList<ProxyReport> proxies)
    {
        if (epoch != _epoch)
        {
            _whole = null;
            _epoch = epoch;
            _since = clock.GetTimestamp();
        }
        // The store knows who has left as long as it remembers who was there.
        if (_whole is not null)
            _seen.Clear();
        var now = clock.GetTimestamp();
        foreach (var proxy in proxies)
            _seen[proxy.Id] = now;
        if (_whole is not null || clock.GetElapsedTime(_since) < Settling)
            return;
        var present = proxies.Select(static proxy => proxy.Id).ToHashSet(StringComparer.Ordinal);
        if (proxies.All(proxy => proxy.Epoch == epoch) && _seen.All(each => present.Contains(each.Key) || clock.GetElapsedTime(each.Value) > lease))
            _whole = epoch;
    }
}
