using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace ShardProxy.Transport;

/// <summary>
/// A loop with a thread of its own, as the proxy runs them; an engine (epoll, io_uring, .NET's sockets) says how to wait and
/// how to make connections.
/// </summary>
/// <remarks>
/// One turn: ① wait for events (not at all when work is left) and note them, which schedules signals, ② let connections go on
/// that had used up their share of the last turn, ③ run what other threads posted, ④ run scheduled continuations, a bounded
/// number, ⑤ about every 100 ms look at deadlines.
/// </remarks>
public abstract class ThreadLoop : EventLoop, IAsyncDisposable
{
    /// <summary>
    /// Continuations run before the sockets are looked at again. A continuation works for microseconds, so new events wait
    /// for a millisecond or so at worst.
    /// </summary>
    private const int MaxContinuationsPerTurn = 256;

    private readonly ILogger _logger;
    private readonly SignalQueue _ready = new();
    private readonly DeadlineList _deadlines = new();
    private readonly PostedActions _posted = new();
    private readonly RestingConnections _resting = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private volatile bool _asleep;
    private volatile bool _stopping;
    private IRelief? _relief;
    private bool _started;

    private protected ThreadLoop(int index, ILogger logger)
    {
        Index = index;
        _logger = logger;
        _thread = new Thread(Run) { IsBackground = true, Name = $"loop-{index}" };
    }

    public override int Index { get; }

    public override bool IsCurrent => Environment.CurrentManagedThreadId == _thread.ManagedThreadId;

    /// <summary>Counts turns, and wraps: what a connection may do in one turn is bounded.</summary>
    internal int Turn { get; private set; }

    /// <summary>Held while events are noted; who takes a connection to another loop takes it as well.</summary>
    internal Lock Noting { get; } = new();

    /// <summary>No connection may be bound to the loop any more. Guarded by <see cref="Noting"/>.</summary>
    internal bool IsClosed { get; private set; }

    public void Start()
    {
        _started = true;
        _thread.Start();
    }

    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return new ValueTask(StopAsync());
    }

    /// <summary>
    /// Ends the thread once what is scheduled has run, and closes the connections still bound to the loop. Code that waits
    /// on a signal of a stopped loop is never resumed, and what is posted to it never runs; end the sessions first.
    /// </summary>
    public Task StopAsync()
    {
        if (!_started)
        {
            Refuse();
            CloseDescriptors();
            return Task.CompletedTask;
        }
        Post(static state => ((ThreadLoop)state!)._stopping = true, this);
        return _stopped.Task;
    }

    public override void Post(Action<object?> action, object? state)
    {
        if (!_posted.Add(action, state) || IsCurrent)
            return;
        // Either the loop sees what was added before it falls asleep, or it is seen here that it sleeps.
        Interlocked.MemoryBarrier();
        if (_asleep)
            Wake();
    }

    /// <summary>Connects, on the loop's thread.</summary>
    /// <param name="deadline">Of <see cref="Environment.TickCount64"/>; long.MaxValue is none.</param>
    /// <exception cref="ConnectFailedException">It could not, or not in time.</exception>
    internal abstract ValueTask<Connection> ConnectAsync(EndPoint endPoint, string name, long deadline);

    /// <summary>Accepts from a listening socket, on the loop's thread. The signal is set when it is worth trying again.</summary>
    internal abstract IAcceptSource Accept(Socket listener, LoopSignal signal);

    /// <summary>Binds an accepted socket to the loop, on its thread. When that fails it is closed.</summary>
    internal abstract Connection Adopt(in AcceptedSocket accepted);

    internal override EventLoop? Relieve(ref int window) => _relief?.Next(ref window);

    /// <summary>Share of a processor that the thread uses. Any thread.</summary>
    internal double LoadAt(long now) => (_relief as LoadRelief)?.Load.ShareAt(now) ?? 0;

    /// <summary>Before <see cref="Start"/>.</summary>
    internal void RelieveBy(IRelief relief) => _relief = relief;

    internal override void Schedule(LoopSignal signal) => _ready.Enqueue(signal);

    internal override void WatchDeadline(LoopSignal signal) => _deadlines.Add(signal);

    internal override void UnwatchDeadline(LoopSignal signal) => _deadlines.Remove(signal);

    /// <summary>The connection has had its share of this turn: it is resumed in the next. Loop's thread.</summary>
    internal void Rest(SocketConnection connection) => _resting.Add(connection);

    /// <summary>On the loop's thread, before its first turn.</summary>
    private protected virtual void Begin()
    {
    }

    /// <summary>Waits for events and notes them, with <see cref="Noting"/> held: schedules signals, runs nothing.</summary>
    /// <param name="milliseconds">0: only looks; -1: without limit.</param>
    private protected abstract void Wait(int milliseconds);

    /// <summary>Ends a wait, or lets the next one end at once. Any thread.</summary>
    private protected abstract void Wake();

    /// <summary>Closes the connections that are still there. Loop's thread, its last act but one.</summary>
    private protected abstract void CloseRemaining();

    private protected abstract void CloseDescriptors();

    private void Run()
    {
        SynchronizationContext.SetSynchronizationContext(new LoopSynchronizationContext(this));
        try
        {
            Begin();
            while (!_stopping || !_ready.IsEmpty)
                TakeTurn();
            Refuse();
            CloseRemaining();
            _stopped.SetResult();
        }
        catch (Exception e)
        {
            TransportLog.LoopFailed(_logger, Index, e);
            Refuse();
            _stopped.SetException(e);
        }
        finally
        {
            CloseDescriptors();
        }
    }

    // A method of its own: one that is called often is compiled for what it was seen doing, one that never returns is not.
    private void TakeTurn()
    {
        Turn++;
        WaitForEvents();
        if (!_resting.IsEmpty)
            ResumeResting();
        RunPosted();
        RunContinuations();
        _relief?.OnTurn(Environment.TickCount64);
        if (_deadlines.IsDue)
            _deadlines.WakePassed();
    }

    private void WaitForEvents()
    {
        if (!_ready.IsEmpty || !_posted.IsEmpty || !_resting.IsEmpty)
        {
            Wait(0);
            return;
        }
        _asleep = true;
        Interlocked.MemoryBarrier();
        Wait(_posted.IsEmpty ? _deadlines.MillisecondsToNextLook : 0);
        _asleep = false;
    }

    private void ResumeResting()
    {
        lock (Noting)
            _resting.ResumeAll(this);
    }

    private void RunPosted()
    {
        if (_posted.IsEmpty)
            return;
        foreach (var (action, state) in _posted.Take())
        {
            try
            {
                action(state);
            }
            catch (Exception e)
            {
                TransportLog.UnhandledInLoop(_logger, Index, e);
            }
        }
        _posted.Done();
    }

    private void RunContinuations()
    {
        for (var left = MaxContinuationsPerTurn; left > 0 && _ready.TryDequeue(out var signal); left--)
        {
            try
            {
                signal.RunContinuation();
            }
            catch (Exception e)
            {
                TransportLog.UnhandledInLoop(_logger, Index, e);
            }
        }
    }

    private void Refuse()
    {
        lock (Noting)
            IsClosed = true;
    }
}
