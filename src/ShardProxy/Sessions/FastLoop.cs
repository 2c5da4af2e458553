using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;
using ShardProxy.Execution;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;

namespace ShardProxy.Sessions;

/// <summary>
/// Serves the session for as long as everything is for the fast path: takes messages, starts statements, relays replies
/// and waits, all in plain calls from the event loop. The session's coroutine awaits it and is resumed only for what is
/// not so simple, so a statement of the common kind runs no async machinery at all and allocates nothing.
/// </summary>
/// <remarks>
/// <code>
///            message incomplete            queued for a connection
///   Idle ◄───────────────────── Reading ─────────────────────────► Queued
///    │      woken                ▲  ▲ │        granted               │
///    └───────────────────────────┘  │ │ started                      │
///                                   │ ▼                              │
///                   replies done  Relaying ◄─────────────────────────┘
/// </code>
/// Every state but Reading waits for the session's signal. It stops (<see cref="FastStop"/>) in Reading, and in Relaying for
/// COPY data only; an exception ends it in any state.
/// </remarks>
public sealed class FastLoop : ILoopWaiter, IValueTaskSource<FastStop>
{
    // Bytes asked for at once of a large message.
    private const int LargestReceive = 1024 * 1024;

    private readonly Session _session;
    private readonly FrameChannel _client;
    private readonly FastPath _fast;
    private State _state;
    private FastStop? _stop;
    private ExceptionDispatchInfo? _failure;
    private Action<object?>? _continuation;
    private object? _continuationState;
    private short _version;
    private long _idleSince;
    private int _window;

    public FastLoop(Session session)
    {
        _session = session;
        _client = session.Client;
        _fast = new FastPath(session);
    }

    private enum State : byte
    {
        Reading,
        Idle,
        Queued,
        Relaying,
    }

    private enum Step : byte
    {
        Again,
        Wait,
        Stop,

        /// <summary>Another loop's thread goes on with the session: nothing of it may be touched any more.</summary>
        Moved,
    }

    /// <summary>The message at the front of the client's input after <see cref="FastStop.Message"/>.</summary>
    public byte MessageType { get; private set; }

    public int MessageLength { get; private set; }

    /// <summary>The connection of the statement under way.</summary>
    public ServerConnection? Server => _fast.Server;

    /// <summary>Extended messages came that only the general path can go on with, up to their Sync; the caller's to say.</summary>
    public bool IsUnitOpen { get; set; }

    /// <summary>Nothing is under way, and the client's next message has not come.</summary>
    public bool IsIdle => _state == State.Idle && !IsUnitOpen;

    /// <summary>Serves until there is something for the caller. One caller at a time.</summary>
    public ValueTask<FastStop> ServeAsync()
    {
        _state = State.Reading;
        if (TryServe(out var stop))
            return new ValueTask<FastStop>(stop);
        return new ValueTask<FastStop>(this, _version);
    }

    /// <summary>The statement whose COPY the caller has fed is over.</summary>
    public void Finish()
    {
        _session.StopClock();
        _fast.Finish();
    }

    // Only between statements, with nothing held and nothing under way, and only once the coroutine has left its
    // continuation: its thread may otherwise still be on the way to leave it while the other loop already resumes it.
    private bool TryMove()
    {
        if (_continuation is null || _session.Servers.HeldCount > 0 || _session.Transaction.IsOpen || _session.Signal.Deadline != 0
            || !_client.Input.IsEmpty || !_client.Output.IsEmpty || _client.Connection.PeerClosed || IsUnitOpen)
        {
            return false;
        }
        if (_session.Signal.Loop.Relieve(ref _window) is not { } loop)
            return false;
        SessionMove.Begin(_session, loop, static state => ((ILoopWaiter)state!).OnWoken(), this);
        return true;
    }

    void ILoopWaiter.OnWoken()
    {
        try
        {
            if (!TryServe(out var stop))
                return;
            _stop = stop;
        }
        catch (Exception exception)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
        var (continuation, state) = (_continuation, _continuationState);
        _continuation = null;
        _continuationState = null;
        continuation?.Invoke(state);
    }

    // False: waits for the signal, which calls OnWoken.
    private bool TryServe(out FastStop stop)
    {
        while (true)
        {
            stop = default;
            var step = _state switch
            {
                State.Reading => Read(out stop),
                State.Idle => ReadAgain(),
                State.Queued => TakeLease(),
                _ => Relay(out stop),
            };
            if (step == Step.Stop)
                return true;
            if (step == Step.Moved || (step == Step.Wait && _session.Signal.TryWait(this)))
                return false;
        }
    }

    private Step Read(out FastStop stop)
    {
        stop = default;
        var status = Frame.TryRead(_client.Input.Unread, _client.MaxFrameLength, out var type, out var length);
        if (status == FrameStatus.Malformed || (!_client.Input.IsEmpty && !FrontendMessageType.IsKnown(type)))
        {
            stop = FastStop.Malformed;
            return Step.Stop;
        }
        if (status == FrameStatus.Incomplete)
        {
            if (ShouldEnd())
            {
                stop = FastStop.EndRequested;
                return Step.Stop;
            }
            var count = _client.Receive(Math.Clamp(length - _client.Input.Count, ByteBuffer.MinimumCapacity, LargestReceive));
            if (count > 0)
                return Step.Again;
            if (count < 0)
            {
                stop = FastStop.ClientGone;
                return Step.Stop;
            }
            BeforeIdle();
            _state = State.Idle;
            return TryMove() ? Step.Moved : Step.Wait;
        }
        _idleSince = 0;
        switch (IsUnitOpen ? FastStart.NotFast : _fast.TryStart(type, length))
        {
            case FastStart.Started:
                _state = State.Relaying;
                return Step.Again;
            case FastStart.Queued:
                _session.Servers.StartLeaseClock();
                _client.Connection.Interest = Readiness.Readable;
                _state = State.Queued;
                return Step.Wait;
            default:
                (MessageType, MessageLength) = (type, length);
                stop = FastStop.Message;
                return Step.Stop;
        }
    }

    private Step ReadAgain()
    {
        AfterIdle();
        _state = State.Reading;
        return Step.Again;
    }

    private Step TakeLease()
    {
        _session.ThrowIfOver();
        if (!_session.Servers.TryTakeLease())
            return Step.Wait;
        _state = _fast.TryResume() ? State.Relaying : State.Reading;
        return Step.Again;
    }

    private Step Relay(out FastStop stop)
    {
        stop = FastStop.CopyIn;
        var server = _fast.Server!;
        _session.ThrowIfOver();
        _session.CancelIfLate();
        switch (Pump(server))
        {
            case RelayStatus.Done:
                Finish();
                _state = State.Reading;
                return Step.Again;
            case RelayStatus.CopyIn:
                return Step.Stop;
            default:
                server.Channel.Connection.Interest = InterestOf(server.Channel);
                _client.Connection.Interest = InterestOf(_client);
                return Step.Wait;
        }
    }

    private RelayStatus Pump(ServerConnection server)
    {
        try
        {
            return _session.Relay.Pump();
        }
        catch (IOException exception)
        {
            throw _session.Translate(exception, server);
        }
    }

    private static Readiness InterestOf(FrameChannel channel) =>
        channel.Output.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;

    // A drain waits for the end of the block; anything else ends the session here and now.
    private bool ShouldEnd() =>
        _session.IsEndRequested(out var reason)
        && (reason != SessionEnd.Drained || (!_session.Transaction.IsOpen && !IsUnitOpen && _client.Input.IsEmpty));

    private void BeforeIdle()
    {
        if (_session.Servers.HeldCount > 0)
            AsynchronousMessages.Take(_session);
        _client.TryFlush();
        _client.Input.Release();
        _client.Output.Release();
        _client.Connection.Interest = InterestOf(_client);
        var limit = _session.Database.Limits.IdleInTransactionTimeout;
        if (limit <= TimeSpan.Zero || !_session.Transaction.IsOpen)
            return;
        // A notification or half a message does not make the client less idle.
        if (_idleSince == 0)
            _idleSince = Environment.TickCount64;
        _session.Signal.Deadline = _idleSince + (long)limit.TotalMilliseconds;
    }

    private void AfterIdle()
    {
        if (_session.Signal.DeadlinePassed && _session.Transaction.IsOpen)
            throw new SessionEndedException(SessionEnd.IdleInTransaction);
        _session.StopClock();
        if (_session.Servers.HeldCount > 0)
            AsynchronousMessages.Take(_session);
    }

    FastStop IValueTaskSource<FastStop>.GetResult(short token)
    {
        if (token != _version)
            throw new InvalidOperationException("The wait was consumed already.");
        _version++;
        var (stop, failure) = (_stop, _failure);
        _stop = null;
        _failure = null;
        failure?.Throw();
        return stop!.Value;
    }

    ValueTaskSourceStatus IValueTaskSource<FastStop>.GetStatus(short token) =>
        _failure is not null ? ValueTaskSourceStatus.Faulted
        : _stop is not null ? ValueTaskSourceStatus.Succeeded
        : ValueTaskSourceStatus.Pending;

    void IValueTaskSource<FastStop>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        // The scheduling flags are ignored on purpose: the continuation always runs on the loop's thread.
        _continuationState = state;
        _continuation = continuation;
    }
}
