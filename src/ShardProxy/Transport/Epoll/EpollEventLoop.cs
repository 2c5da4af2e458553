using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace ShardProxy.Transport.Epoll;

/// <summary>
/// A loop over Linux's epoll. Every descriptor is registered once, edge-triggered for both directions, so that waiting
/// for something costs no system call of its own: a connection remembers what is ready and the loop only hears of
/// changes.
/// </summary>
/// <remarks>
/// One turn: ① wait for events (not at all when work is left), ② note them, which schedules signals, ③ run what other
/// threads posted, ④ run scheduled continuations, a bounded number, ⑤ about every 100 ms look at deadlines.
/// </remarks>
public sealed unsafe class EpollEventLoop : EventLoop, IAsyncDisposable
{
    /// <summary>Events fetched by one call.</summary>
    private const int BatchSize = 256;

    /// <summary>
    /// Continuations run before the sockets are looked at again. A continuation works for microseconds, so new events wait
    /// for a millisecond or so at worst.
    /// </summary>
    private const int MaxContinuationsPerTurn = 256;

    /// <summary>What <see cref="Attach"/> never returns.</summary>
    internal const ulong NotAttached = ulong.MaxValue;

    private const ulong WakeData = NotAttached;

    private readonly ILogger _logger;
    private readonly Lock _tableLock = new();
    private readonly EpollTable _table = new();
    private readonly SignalQueue _ready = new();
    private readonly DeadlineList _deadlines = new();
    private readonly PostedActions _posted = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly int _epoll;
    private readonly SafeFileHandle _wake;
    private volatile bool _stopping;
    private bool _started;

    /// <summary>No descriptor may be registered any more; guarded by the table's lock.</summary>
    private bool _closed;

    public EpollEventLoop(int index, ILogger logger)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("ShardProxy serves connections through epoll and needs Linux (x64 or arm64) for now.");
        Index = index;
        _logger = logger;
        _epoll = LibC.EpollCreate(SocketConstants.CloseOnExec);
        if (_epoll < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_create1 failed");
        var wake = LibC.EventFd(0, SocketConstants.CloseOnExec | SocketConstants.NonBlocking);
        if (wake < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            _ = LibC.Close(_epoll);
            throw new Win32Exception(error, "eventfd failed");
        }
        _wake = new SafeFileHandle(wake, ownsHandle: true);
        // Edge-triggered: every write is an event of its own, so the counter never has to be read back.
        _ = EpollEvents.Add(_epoll, wake, EpollEvents.In | EpollEvents.EdgeTriggered, WakeData);
        _thread = new Thread(Run) { IsBackground = true, Name = $"loop-{index}" };
    }

    public override int Index { get; }

    public override bool IsCurrent => Environment.CurrentManagedThreadId == _thread.ManagedThreadId;

    public void Start()
    {
        _started = true;
        _thread.Start();
    }

    public ValueTask DisposeAsync() => new(StopAsync());

    /// <summary>
    /// Ends the thread once what is scheduled has run, and closes the connections still bound to the loop. Code that waits
    /// on a signal of a stopped loop is never resumed, and what is posted to it never runs; end the sessions first.
    /// </summary>
    public Task StopAsync()
    {
        if (!_started)
        {
            CloseDescriptors();
            return Task.CompletedTask;
        }
        Post(static state => ((EpollEventLoop)state!)._stopping = true, this);
        return _stopped.Task;
    }

    public override void Post(Action<object?> action, object? state)
    {
        if (!_posted.Add(action, state) || IsCurrent)
            return;
        var one = 1UL;
        try
        {
            _ = LibC.Write(_wake, (byte*)&one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended.
        }
    }

    internal override void Schedule(LoopSignal signal) => _ready.Enqueue(signal);

    internal override void WatchDeadline(LoopSignal signal) => _deadlines.Add(signal);

    internal override void UnwatchDeadline(LoopSignal signal) => _deadlines.Remove(signal);

    /// <summary>Registers a descriptor, any thread. Returns what <see cref="Detach"/> needs. Its first event comes at once when it is ready.</summary>
    internal ulong Attach(int fd, IEpollTarget target)
    {
        const uint Mask = EpollEvents.In | EpollEvents.Out | EpollEvents.PeerHangUp | EpollEvents.EdgeTriggered;
        int error;
        ulong data;
        lock (_tableLock)
        {
            if (_closed)
                throw new IOException("The event loop has ended.");
            data = _table.Add(target);
            error = EpollEvents.Add(_epoll, fd, Mask, data);
            if (error != 0)
                _table.Remove(data);
        }
        if (error != 0)
            throw new IOException($"The socket cannot be watched: {Marshal.GetPInvokeErrorMessage(error)}");
        return data;
    }

    /// <summary>When it returns, no event of the descriptor reaches the target any more, those under way included. Any thread.</summary>
    internal void Detach(int fd, ulong data)
    {
        lock (_tableLock)
        {
            if (_table.Find(data) is null)
                return;
            EpollEvents.Remove(_epoll, fd);
            _table.Remove(data);
        }
    }

    private void Run()
    {
        SynchronizationContext.SetSynchronizationContext(new LoopSynchronizationContext(this));
        using var events = new EpollEvents(BatchSize);
        try
        {
            while (!_stopping || !_ready.IsEmpty)
            {
                Wait(events);
                RunPosted();
                RunContinuations();
                if (_deadlines.IsDue)
                    _deadlines.WakePassed();
            }
            CloseRemaining();
            _stopped.SetResult();
        }
        catch (Exception e)
        {
            TransportLog.LoopFailed(_logger, Index, e);
            _stopped.SetException(e);
        }
        finally
        {
            CloseDescriptors();
        }
    }

    private void Wait(EpollEvents events)
    {
        var timeout = !_ready.IsEmpty || !_posted.IsEmpty ? 0 : _deadlines.MillisecondsToNextLook;
        var count = LibC.EpollWait(_epoll, events.Pointer, events.Capacity, timeout);
        if (count > 0)
        {
            Note(events, count);
        }
        else if (count < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Errno.Interrupted)
                throw new Win32Exception(error, "epoll_wait failed");
        }
    }

    /// <summary>The lock, taken once per batch, is what lets another thread take a connection away: see <see cref="Detach"/>.</summary>
    private void Note(EpollEvents events, int count)
    {
        lock (_tableLock)
        {
            for (var i = 0; i < count; i++)
            {
                var data = events.Data(i);
                if (data != WakeData)
                    _table.Find(data)?.OnEvents(events.Mask(i));
            }
        }
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

    private void CloseDescriptors()
    {
        lock (_tableLock)
            _closed = true;
        _ = LibC.Close(_epoll);
        _wake.Dispose();
    }

    private void CloseRemaining()
    {
        IEpollTarget[] targets;
        lock (_tableLock)
        {
            _closed = true;
            targets = _table.ToArray();
        }
        foreach (var target in targets)
            target.OnLoopStopped();
    }
}
