namespace ShardProxy.Transport;

/// <summary>
/// The signals that have a deadline, in no order: all are looked at every <see cref="LookInterval"/>, which for limits of
/// seconds is exact enough and makes setting and clearing one a constant-time step. Loop's thread only.
/// </summary>
internal sealed class DeadlineList
{
    /// <summary>Milliseconds between two looks.</summary>
    internal const int LookInterval = 100;

    private LoopSignal[] _signals = new LoopSignal[64];
    private int _count;
    private long _nextLook;

    internal int Count => _count;

    internal bool IsDue => _count > 0 && Environment.TickCount64 >= _nextLook;

    /// <summary>-1 when there is nothing to look at.</summary>
    internal int MillisecondsToNextLook =>
        _count == 0 ? -1 : (int)Math.Clamp(_nextLook - Environment.TickCount64, 0, LookInterval);

    internal void Add(LoopSignal signal)
    {
        if (_count == 0)
            _nextLook = Environment.TickCount64 + LookInterval;
        if (_count == _signals.Length)
            Array.Resize(ref _signals, _count * 2);
        signal.DeadlineIndex = _count;
        _signals[_count++] = signal;
    }

    internal void Remove(LoopSignal signal)
    {
        var index = signal.DeadlineIndex;
        var last = _signals[--_count];
        _signals[index] = last;
        last.DeadlineIndex = index;
        _signals[_count] = null!;
        signal.DeadlineIndex = -1;
    }

    internal void WakePassed()
    {
        _nextLook = Environment.TickCount64 + LookInterval;
        for (var i = 0; i < _count; i++)
        {
            if (_signals[i].DeadlinePassed)
                _signals[i].Set();
        }
    }
}
