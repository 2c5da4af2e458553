using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// A connection's way to another loop. The kernel may still take bytes into the old loop's buffers, so this stands in for the connection there: it
/// cancels what is under way, collects what has arrived until the last completion, and brings it to the new loop. Meanwhile the new loop can
/// send already, by calls.
/// </summary>
internal sealed unsafe class UringDeparture : IUringTarget
{
    private readonly Lock _lock = new();
    private readonly UringConnection _connection;
    private readonly int _descriptor;
    private UringEventLoop _from = null!;
    private ulong _registration;
    private byte* _sending;
    private int _queued;
    private UringState _underWay;
    private UringInbox _inbox;
    private bool _begun;
    private bool _cancelled;
    private bool _isOver;
    private bool _delivered = true;

    internal UringDeparture(UringConnection connection, int descriptor)
    {
        _connection = connection;
        _descriptor = descriptor;
    }

    /// <summary>What arrived on the old loop and nobody took.</summary>
    internal (byte[]? Bytes, int Length) Received { get; private set; }

    /// <summary>Whether the stream ended or broke on the old loop.</summary>
    internal UringState Outcome { get; private set; }

    internal bool IsHungUp { get; private set; }

    /// <summary>What was queued on the old loop and the socket did not take.</summary>
    internal UringUnsent? Unsent { get; private set; }

    /// <summary>Prepares for a way from <paramref name="from"/>; the one before, if there was any, has come to its end. Under the loop's lock.</summary>
    /// <param name="underWay">Operations that will complete once more on the old loop.</param>
    /// <param name="sending">Bytes queued on the old loop and not submitted, <paramref name="queued"/> of them.</param>
    internal void Leave(UringEventLoop from, ulong registration, UringState underWay, UringInbox inbox, byte* sending, int queued)
    {
        _from = from;
        _registration = registration;
        _underWay = underWay;
        _inbox = inbox;
        _sending = sending;
        _queued = queued;
        _begun = _cancelled = _isOver = _delivered = false;
        Received = default;
        Outcome = UringState.None;
        IsHungUp = false;
        Unsent = null;
    }

    /// <summary>The old loop's first step, on its thread.</summary>
    internal void Begin()
    {
        var entry = _from.Entry(UringConstants.OperationCancel, _descriptor, UringEventLoop.UserData(_registration, UringOperation.Cancel));
        entry->CallFlags = UringConstants.CancelAll | UringConstants.CancelDescriptor;
        _begun = true;
    }

    /// <summary>The connection moves on before it has arrived. False: it has arrived.</summary>
    internal bool TryRedirect(UringConnection connection, UringEventLoop loop)
    {
        lock (_lock)
        {
            if (_delivered)
                return false;
            connection.Redirect(loop);
            return true;
        }
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
                break;
            case UringOperation.PollIn:
                Ended(UringState.PollingIn, result);
                break;
            case UringOperation.PollOut:
                Ended(UringState.PollingOut, result);
                break;
            case UringOperation.PollHangUp:
                Ended(UringState.WatchingHangUp, result);
                break;
            case UringOperation.Cancel:
                _cancelled = true;
                break;
        }
        FinishWhenOver();
    }

    void IUringTarget.OnSubmitted()
    {
        _queued = 0;
        FinishWhenOver();
    }

    void IUringTarget.OnLoopStopped()
    {
        // The connection belongs to another loop, which closes it.
    }

    private void OnReceived(int result, uint flags)
    {
        if ((flags & UringConstants.CompletionMore) == 0)
            _underWay &= ~UringState.Receiving;
        if (result > 0)
            _inbox.Add(_from.Buffers, (int)(flags >> UringConstants.BufferShift), result);
        else if ((flags & UringConstants.CompletionBuffer) != 0)
            _from.Recycle(flags);
        if (result == 0)
            Outcome |= UringState.Ended;
        else if (result < 0 && -result is not (Errno.Cancelled or Errno.NoBuffers or Errno.Interrupted or Errno.Again))
            Outcome |= UringState.Ended | UringState.Broken;
    }

    private void OnShortSend(int result)
    {
        if (result < 0 && -result is not (Errno.Again or Errno.Interrupted))
        {
            Outcome |= UringState.Ended | UringState.Broken;
            return;
        }
        var sent = Math.Max(result, 0);
        if (sent < _queued)
            Unsent = new UringUnsent(new ReadOnlySpan<byte>(_sending + sent, _queued - sent));
    }

    private void Ended(UringState operation, int result)
    {
        _underWay &= ~operation;
        IsHungUp |= result > 0 && (result & (int)(UringConstants.PollPeerHangUp | UringConstants.PollHangUp | UringConstants.PollError)) != 0;
    }

    private void FinishWhenOver()
    {
        if (_isOver || !_begun || !_cancelled || _underWay != UringState.None || _queued > 0)
            return;
        _isOver = true;
        _from.Post(static state => ((UringDeparture)state!).Finish(), this);
    }

    private void Finish()
    {
        _from.Unregister(_registration);
        Received = _inbox.Rest(_from.Buffers);
        PostArrival();
    }

    private void PostArrival() => _connection.Loop.Post(static state => ((UringDeparture)state!).Deliver(), this);

    private void Deliver()
    {
        var loop = (UringEventLoop)_connection.Loop;
        lock (loop.Noting)
        {
            lock (_lock)
            {
                _delivered = ReferenceEquals(loop, _connection.Loop) && loop.IsCurrent;
                if (_delivered)
                {
                    _connection.Arrive(this);
                    return;
                }
            }
        }
        // It was sent on while this was on its way.
        PostArrival();
    }
}
