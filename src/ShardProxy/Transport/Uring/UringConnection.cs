using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// A stream socket on a <see cref="UringEventLoop"/>; owns the descriptor. Small sends are queued for the loop's next
/// submission, large ones go by a call; what arrives is copied out of the ring's buffers, and when much arrives it is
/// received by calls.
/// </summary>
/// <remarks>
/// <code>
///                 much arrived, or no buffers: cancel         final completion
///   Receiving ─────────────────────────────────► (ending) ──────────────────────► by calls
///       ▲                                                                            │  ▲
///       └───────────── little was left, at a short receive ◄─────────────────────────┤  │ PollingIn
///                                                                                    └──┘
/// </code>
/// Invariants: 1. Calls receive only while no receive is armed, so bytes never overtake each other. 2. At most one send is
/// queued in a submission, and none goes by a call while one is queued or bytes are unsent. 3. The descriptor is closed by an entry
/// of the ring behind all others that name it, so no entry can reach a later owner of its number. 4. A cleared bit of
/// <see cref="Connection.Ready"/> means that a completion, a submission or the loop's next turn will set it.
/// </remarks>
internal sealed partial class UringConnection : NativeConnection, IUringTarget
{
    private const ulong NotRegistered = ulong.MaxValue;

    /// <summary>How long a closed connection's last bytes may wait for the peer to read, in milliseconds.</summary>
    private const int MaxLinger = 2_000;

    private UringEventLoop _loop;
    private UringInbox _inbox;
    private ulong _registration;
    private UringDeparture? _departure;
    private UringDeparture? _lastDeparture;
    private UringState _state;

    internal UringConnection(UringEventLoop loop, int fd, string remoteName, bool isConnecting)
        : base(fd, remoteName)
    {
        _loop = loop;
        _registration = loop.Register(this);
        if (isConnecting)
        {
            _state = UringState.Connecting;
            PollOut();
            return;
        }
        Connected();
        Ready = Readiness.Writable;
    }

    public override EventLoop Loop => _loop;

    internal override void Connected()
    {
        _state &= ~UringState.Connecting;
        NativeSocket.MakeBlocking(Descriptor);
        Receive();
    }

    public override unsafe void MoveTo(EventLoop loop)
    {
        ObjectDisposedException.ThrowIf(Has(UringState.Disposed), this);
        if (Signal is not null)
            throw new InvalidOperationException("A connection that someone waits on cannot change its loop.");
        if (ReferenceEquals(loop, _loop))
            return;
        var target = (UringEventLoop)loop;
        lock (target.Noting)
        {
            if (target.IsClosed)
                throw new IOException("The event loop has ended.");
        }
        ForgetTurn();
        Interest = Readiness.None;
        // On its way already: it arrives where it belongs by then.
        if (_departure is { } departure && departure.TryRedirect(this, target))
            return;
        var from = _loop;
        lock (from.Noting)
        {
            _departure = departure = _lastDeparture ?? new UringDeparture(this, Descriptor);
            departure.Leave(from, _registration, _state & UringState.UnderWay, _inbox.Depart(), _queued > 0 ? (byte*)_sendEntry->Address : null, _queued);
            from.Replace(_registration, departure);
            // What is queued on the old loop has to go first; until it has, nothing is sent.
            Ready = _queued > 0 || _unsent is not null ? Readiness.None : Readiness.Writable;
            _state &= ~(UringState.UnderWay | UringState.Limited | UringState.Bulk);
            _queued = 0;
            _registration = NotRegistered;
            _loop = target;
        }
        from.Post(static state => ((UringDeparture)state!).Begin(), departure);
    }

    /// <summary>Only for <see cref="UringDeparture"/>, with its lock.</summary>
    internal void Redirect(UringEventLoop loop) => _loop = loop;

    /// <summary>The old loop has nothing more to do with the connection. New loop's thread, with its lock.</summary>
    internal void Arrive(UringDeparture departure)
    {
        _departure = null;
        _lastDeparture = departure;
        _inbox.Arrive(departure.Received);
        _state |= departure.Outcome;
        _unsent = departure.Unsent ?? _unsent;
        PeerClosed |= Has(UringState.Ended | UringState.Disposed) || departure.IsHungUp;
        _registration = _loop.Register(this);
        if (_unsent is not null || (Ready & Readiness.Writable) == 0)
            OnWritable();
        if (Has(UringState.Disposed))
        {
            FinishClose();
            return;
        }
        if (!_inbox.IsEmpty || Has(UringState.Ended))
            Ready |= Readiness.Readable;
        if (!Has(UringState.Ended))
            Receive();
        Wake();
    }

    void IUringTarget.OnCompletion(UringOperation operation, int result, uint flags)
    {
        switch (operation)
        {
            case UringOperation.Receive:
                OnReceived(result, flags);
                break;
            case UringOperation.Send:
                OnShortSend(result);
                return;
            case UringOperation.PollIn:
                _state &= ~UringState.PollingIn;
                OnPolled(result, Readiness.Readable);
                WatchHangUp();
                break;
            case UringOperation.PollHangUp:
                _state &= ~UringState.WatchingHangUp;
                OnPolled(result, Readiness.Readable);
                break;
            case UringOperation.PollOut:
                _state &= ~UringState.PollingOut;
                OnPolled(result, Readiness.None);
                if (Has(UringState.Connecting))
                    Ready |= Readiness.Writable;
                else
                    OnWritable();
                break;
        }
        Wake();
    }

    void IUringTarget.OnSubmitted()
    {
        _queued = 0;
        if (_unsent is null)
            OnAllSent();
        if (Has(UringState.Disposed))
            _loop.Post(static state => ((UringConnection)state!).FinishClose(), this);
        Wake();
    }

    void IUringTarget.OnLoopStopped()
    {
        Dispose();
        ForgetUnsent();
        Close();
    }

    protected override void Dispose(bool disposing)
    {
        if (Has(UringState.Disposed))
            return;
        _state |= UringState.Disposed;
        Signal = null;
        PeerClosed = true;
        Ready = Readiness.Readable | Readiness.Writable;
        _inbox.Clear(_loop.Buffers);
        if (_queued > 0)
            _loop.Hurry();
        else if (_departure is null)
            FinishClose();
    }

    private bool Has(UringState state) => (_state & state) != 0;

    private void Wake()
    {
        if ((Ready & Interest) != 0)
            Signal?.Set();
    }

    private void OnPolled(int result, Readiness bits)
    {
        if (result < 0)
            return;
        Ready |= bits;
        if ((result & (int)(UringConstants.PollPeerHangUp | UringConstants.PollHangUp | UringConstants.PollError)) == 0)
            return;
        PeerClosed = true;
        Ready |= Readiness.Readable;
    }

    private void Break()
    {
        PeerClosed = true;
        _state |= UringState.Ended | UringState.Broken;
        ForgetUnsent();
        Ready = Readiness.Readable | Readiness.Writable;
    }

    private void PollIn() => Poll(UringState.PollingIn, UringOperation.PollIn, UringConstants.PollIn | UringConstants.PollPeerHangUp);

    private void PollOut() => Poll(UringState.PollingOut, UringOperation.PollOut, UringConstants.PollOut);

    private void WatchHangUp() => Poll(UringState.WatchingHangUp, UringOperation.PollHangUp, UringConstants.PollPeerHangUp);

    private unsafe void Poll(UringState state, UringOperation operation, uint events)
    {
        if (Has(state) || (PeerClosed && operation == UringOperation.PollHangUp))
            return;
        _state |= state;
        var entry = _loop.Entry(UringConstants.OperationPollAdd, Descriptor, UringEventLoop.UserData(_registration, operation));
        entry->CallFlags = events;
    }

    private void FinishClose()
    {
        if (_unsent is null)
            Close();
        else
            _ = LingerAsync();
    }

    // What was taken from the user is sent before the descriptor closes, if the peer reads it in time.
    private async Task LingerAsync()
    {
        var signal = new LoopSignal(_loop) { Deadline = Environment.TickCount64 + MaxLinger };
        Ready &= ~Readiness.Writable;
        Interest = Readiness.Writable;
        Signal = signal;
        while (_unsent is not null && !signal.DeadlinePassed)
            await signal.WaitAsync();
        signal.Deadline = 0;
        Signal = null;
        ForgetUnsent();
        Close();
    }

    private unsafe void Close()
    {
        if (_registration == NotRegistered)
            return;
        _loop.Unregister(_registration);
        _registration = NotRegistered;
        _inbox.Clear(_loop.Buffers);
        var cancel = _loop.Entry(UringConstants.OperationCancel, Descriptor, (ulong)UringOperation.None);
        cancel->CallFlags = UringConstants.CancelAll | UringConstants.CancelDescriptor;
        cancel->Flags = UringConstants.FlagSkipSuccess;
        var close = _loop.Entry(UringConstants.OperationClose, Descriptor, (ulong)UringOperation.None);
        close->Flags = UringConstants.FlagSkipSuccess;
    }
}
