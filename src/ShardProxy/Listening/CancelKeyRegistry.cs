using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace ShardProxy.Listening;

/// <summary>What BackendKeyData tells a session's client.</summary>
/// <param name="ProcessId">Positive.</param>
public readonly record struct CancelKey(int ProcessId, byte[] Secret);

/// <summary>
/// The cancel keys that the proxy gave out and what each cancels. Process ids of its own are unique among the sessions
/// that are in; in session pooling a session shows its home server's id, which another session may happen to have too, so
/// it is the secret that decides. Thread-safe.
/// </summary>
public sealed class CancelKeyRegistry<TTarget>
    where TTarget : class
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, List<(byte[] Secret, TTarget Target)>> _entries = [];

    // A random start, so that ids of one run of the proxy are not those of the last.
    private int _lastProcessId = RandomNumberGenerator.GetInt32(1, 1 << 20);

    public int Count
    {
        get
        {
            lock (_lock)
                return _entries.Values.Sum(static entries => entries.Count);
        }
    }

    /// <param name="keyLength">Bytes of the secret: 4 before protocol 3.2.</param>
    /// <param name="processId">The id to show; a free one of the proxy's own when null.</param>
    public CancelKey Register(TTarget target, int keyLength, int? processId = null)
    {
        var secret = RandomNumberGenerator.GetBytes(keyLength);
        lock (_lock)
        {
            var id = processId ?? NextFreeId();
            if (!_entries.TryGetValue(id, out var entries))
                _entries.Add(id, entries = []);
            entries.Add((secret, target));
            return new CancelKey(id, secret);
        }
    }

    public void Remove(CancelKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key.ProcessId, out var entries))
                return;
            entries.RemoveAll(entry => ReferenceEquals(entry.Secret, key.Secret));
            if (entries.Count == 0)
                _entries.Remove(key.ProcessId);
        }
    }

    /// <summary>Takes the same time for every wrong secret of the right length.</summary>
    public bool TryFind(int processId, ReadOnlySpan<byte> secret, [NotNullWhen(true)] out TTarget? target)
    {
        target = null;
        lock (_lock)
        {
            if (!_entries.TryGetValue(processId, out var entries))
                return false;
            foreach (var entry in entries)
            {
                if (CryptographicOperations.FixedTimeEquals(entry.Secret, secret))
                    target = entry.Target;
            }
        }
        return target is not null;
    }

    private int NextFreeId()
    {
        do
        {
            _lastProcessId = _lastProcessId == int.MaxValue ? 1 : _lastProcessId + 1;
        }
        while (_entries.ContainsKey(_lastProcessId));
        return _lastProcessId;
    }
}
