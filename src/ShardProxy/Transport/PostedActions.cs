using System.Runtime.InteropServices;

namespace ShardProxy.Transport;

/// <summary>What other threads ask a loop to run: two lists that change places, so that posting allocates only while they grow.</summary>
internal sealed class PostedActions
{
    private readonly Lock _lock = new();
    private List<(Action<object?> Action, object? State)> _incoming = [];
    private List<(Action<object?> Action, object? State)> _running = [];
    private volatile bool _any;

    /// <summary>Nothing was added since the last <see cref="Take"/>.</summary>
    internal bool IsEmpty => !_any;

    /// <summary>Any thread. True when the list was empty, which is when the loop has to be woken.</summary>
    internal bool Add(Action<object?> action, object? state)
    {
        lock (_lock)
        {
            _incoming.Add((action, state));
            var first = !_any;
            _any = true;
            return first;
        }
    }

    /// <summary>What was added so far, valid until <see cref="Done"/>. Loop's thread.</summary>
    internal ReadOnlySpan<(Action<object?> Action, object? State)> Take()
    {
        lock (_lock)
        {
            (_incoming, _running) = (_running, _incoming);
            _any = false;
        }
        return CollectionsMarshal.AsSpan(_running);
    }

    internal void Done() => _running.Clear();
}
