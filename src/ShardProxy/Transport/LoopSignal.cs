using System.Threading.Tasks.Sources;

namespace ShardProxy.Transport;

/// <summary>
/// The one thing a coroutine on an <see cref="EventLoop"/> waits on: an auto-reset event with one waiter, set by its
/// connections, a pool, a timer or another thread. Waiting allocates nothing; the continuation runs in place on the
/// loop's thread, after the event that set it was dispatched and never inside the caller of <see cref="Set"/>, so one
/// session's work cannot nest in another's stack. Spurious wake-ups are allowed: a waiter loops over its condition.
/// </summary>
/// <remarks>
/// <code>
///            Set                    loop drains its ready list
///   Idle ──────────► Set ◄──┐      (Wait on Set completes at once → Idle)
///    │                      │
///    │ WaitAsync            │ Set with no waiter: remembered
///    ▼          Set         │
///   Waiting ──────────► Scheduled ──► continuation runs ──► Idle
/// </code>
/// </remarks>
public sealed class LoopSignal : IValueTaskSource
{
    private enum State : byte
    {
        Idle,
        Set,
        Waiting,
        Scheduled,
    }

    private volatile EventLoop _loop;
    private Action<object?>? _continuation;
    private object? _continuationState;
    private ILoopWaiter? _waiter;
    private State _state;
    private short _version;
    private long _deadline;

    public LoopSignal(EventLoop loop) => _loop = loop;

    /// <summary>The loop whose thread runs the waiter; changes by <see cref="MoveTo"/>.</summary>
    public EventLoop Loop => _loop;

    /// <summary>
    /// When to wake the waiter although nothing happened, in milliseconds of <see cref="Environment.TickCount64"/>; 0 is
    /// never. Looked at about ten times a second, so it is for limits, not for pacing. The waiter compares the clock
    /// itself: being woken says nothing about why.
    /// </summary>
    public long Deadline
    {
        get => _deadline;
        set
        {
            if (_deadline == 0 && value != 0)
                _loop.WatchDeadline(this);
            else if (_deadline != 0 && value == 0)
                _loop.UnwatchDeadline(this);
            _deadline = value;
        }
    }

    /// <summary>Index in the loop's list of signals with a deadline; the loop's own.</summary>
    internal int DeadlineIndex { get; set; } = -1;

    public bool DeadlinePassed => _deadline != 0 && Environment.TickCount64 >= _deadline;

    /// <summary>Waits until <see cref="Set"/> was called since the last wait completed. One waiter at a time; loop's thread only.</summary>
    public ValueTask WaitAsync()
    {
        if (_state == State.Set)
        {
            _state = State.Idle;
            return default;
        }
        if (_state != State.Idle)
            throw new InvalidOperationException("A signal has one waiter at a time.");
        _state = State.Waiting;
        return new ValueTask(this, _version);
    }

    /// <summary>
    /// As <see cref="WaitAsync"/> for code that keeps its own state: the waiter is called instead of resumed, which costs a
    /// fraction. False: the signal is set already and nothing waits.
    /// </summary>
    public bool TryWait(ILoopWaiter waiter)
    {
        if (_state == State.Set)
        {
            _state = State.Idle;
            return false;
        }
        if (_state != State.Idle)
            throw new InvalidOperationException("A signal has one waiter at a time.");
        _state = State.Waiting;
        _waiter = waiter;
        return true;
    }

    /// <summary>Wakes the waiter, or lets the next wait complete at once. Loop's thread only.</summary>
    public void Set()
    {
        switch (_state)
        {
            case State.Idle:
                _state = State.Set;
                break;
            case State.Waiting:
                _state = State.Scheduled;
                _loop.Schedule(this);
                break;
        }
    }

    /// <summary>As <see cref="Set"/>, from any thread.</summary>
    public void SetFromAnyThread()
    {
        var loop = _loop;
        if (loop.IsCurrent)
            Set();
        else
            // The signal may have gone to another loop by the time that this one looks.
            loop.Post(static state => ((LoopSignal)state!).SetFromAnyThread(), this);
    }

    /// <summary>
    /// Binds the signal, on which nobody waits and which has no deadline, to another loop. Loop's thread only; from then on
    /// it is the other loop's, and the caller leaves the rest to what it posts there.
    /// </summary>
    public void MoveTo(EventLoop loop)
    {
        if (_state is State.Waiting or State.Scheduled || _deadline != 0)
            throw new InvalidOperationException("A signal that is in use cannot change its loop.");
        _loop = loop;
    }

    /// <summary>Called by the loop when it drains its ready list.</summary>
    internal void RunContinuation()
    {
        _state = State.Idle;
        if (_waiter is { } waiter)
        {
            _waiter = null;
            waiter.OnWoken();
            return;
        }
        var continuation = _continuation;
        var state = _continuationState;
        _continuation = null;
        _continuationState = null;
        if (continuation is not null)
            continuation(state);
        else
            _state = State.Set;
    }

    void IValueTaskSource.GetResult(short token)
    {
        if (token != _version)
            throw new InvalidOperationException("The wait was consumed already.");
        _version++;
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) =>
        _state is State.Waiting or State.Scheduled ? ValueTaskSourceStatus.Pending : ValueTaskSourceStatus.Succeeded;

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        // The scheduling flags are ignored on purpose: the continuation always runs on the loop's thread.
        _continuationState = state;
        _continuation = continuation;
    }
}
