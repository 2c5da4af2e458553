using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>
/// A limit for a session's waits for its servers, beside the clock of a statement that may be running: both use the one
/// deadline of the session's signal, which is always the nearer of the two.
/// </summary>
internal sealed class ServerPatience
{
    private readonly LoopSignal _signal;
    private readonly long _deadline;
    private long _clock;

    public ServerPatience(LoopSignal signal, TimeSpan length)
    {
        _signal = signal;
        _clock = signal.Deadline;
        Length = length;
        _deadline = Environment.TickCount64 + (long)length.TotalMilliseconds;
        if (_clock == 0 || _deadline < _clock)
            signal.Deadline = _deadline;
    }

    public TimeSpan Length { get; }

    public bool IsOver => Environment.TickCount64 >= _deadline;

    /// <summary>The statement's clock has struck or is not needed any more.</summary>
    public void StopClock()
    {
        _clock = 0;
        _signal.Deadline = _deadline;
    }

    public void End() => _signal.Deadline = _clock;
}
