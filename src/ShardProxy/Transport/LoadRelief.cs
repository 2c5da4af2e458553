namespace ShardProxy.Transport;

/// <summary>
/// Keeps sessions on as few loops as can serve them: a loop that serves many takes more events at each wake-up and sleeps
/// less, which is worth a tenth of a statement's CPU. A loop that gets busy gives sessions to the one with most to spare;
/// one whose work a lower loop could do as well gives all it has.
/// </summary>
/// <remarks>
/// Only sessions that run statements are counted and moved, between two of them. The gap between <see cref="Busy"/> and
/// <see cref="Spare"/>, and the patience before a loop is emptied, keep sessions from going back and forth.
/// </remarks>
internal sealed class LoadRelief : IRelief
{
    /// <summary>Share of a processor from which on a loop gives sessions away.</summary>
    internal const double Busy = 0.65;

    /// <summary>Two loops that use less than this together become one.</summary>
    internal const double Spare = 0.4;

    /// <summary>Difference that is worth a move.</summary>
    private const double Difference = 0.2;

    /// <summary>Samples in a row that must say that a loop is not needed.</summary>
    private const int Patience = 5;

    private readonly ThreadLoop[] _loops;
    private readonly int _index;
    private int _window = 1;
    private int _active;
    private int _spareWindows;
    private int _moves;
    private ThreadLoop? _target;

    internal LoadRelief(ThreadLoop[] loops, int index)
    {
        _loops = loops;
        _index = index;
    }

    internal LoopLoad Load { get; } = new();

    public EventLoop? Next(ref int window)
    {
        if (window != _window)
        {
            window = _window;
            _active++;
        }
        if (_moves == 0)
            return null;
        _moves--;
        return _target;
    }

    public void OnTurn(long now)
    {
        if (!Load.IsDue(now))
            return;
        Load.Sample(now);
        Span<double> shares = stackalloc double[Math.Min(_loops.Length, 64)];
        for (var i = 0; i < shares.Length; i++)
            shares[i] = _loops[i].LoadAt(now);
        if (_index < shares.Length)
            Decide(shares);
        _window++;
        _active = 0;
    }

    /// <summary>What to do in the next window, from what each loop used in the last ones.</summary>
    internal void Decide(ReadOnlySpan<double> shares)
    {
        var own = shares[_index];
        _moves = 0;
        if (own >= Busy)
        {
            _spareWindows = 0;
            var least = LeastOf(shares);
            if (own - shares[least] < Difference)
                return;
            _target = _loops[least];
            _moves = (int)Math.Ceiling(_active * (own - shares[least]) / (2 * own));
            return;
        }
        var host = FirstWithRoom(shares, own);
        _spareWindows = host < 0 ? 0 : _spareWindows + 1;
        if (_spareWindows < Patience)
            return;
        _target = _loops[host];
        _moves = _active;
    }

    /// <summary>Sessions that may still move in this window, and to which loop.</summary>
    internal (int Count, ThreadLoop? Target) Moves => (_moves, _moves == 0 ? null : _target);

    private static int LeastOf(ReadOnlySpan<double> shares)
    {
        var least = 0;
        for (var i = 1; i < shares.Length; i++)
        {
            if (shares[i] < shares[least])
                least = i;
        }
        return least;
    }

    // Lower loops take from higher ones, so the last to be emptied is always the first loop.
    private int FirstWithRoom(ReadOnlySpan<double> shares, double own)
    {
        for (var i = 0; i < _index; i++)
        {
            if (shares[i] + own < Spare)
                return i;
        }
        return -1;
    }
}
