using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <content>Sending: small sends wait for the loop's next submission, large ones go by a call, and what the socket did not take is kept.</content>
internal sealed partial class UringConnection
{
    /// <summary>Bytes that one connection queues in a turn at most.</summary>
    private const int MaxQueued = 16 * 1024;

    /// <summary>From this size on a system call costs less than the copy.</summary>
    private const int CallFrom = 8 * 1024;

    private unsafe UringSubmission* _sendEntry;
    private int _queued;
    private UringUnsent? _unsent;

    public override int TrySend(ReadOnlySpan<byte> data)
    {
        if ((Ready & Readiness.Writable) == 0 || data.IsEmpty)
            return 0;
        ObjectDisposedException.ThrowIf(Has(UringState.Disposed), this);
        if (Has(UringState.Broken))
            return -1;
        // Behind the peer's end a call tells at once whether anyone is left to read: who speaks then wants to know just that.
        var byCall = _departure is not null || (_queued == 0 && (PeerClosed || data.Length >= CallFrom));
        return byCall ? SendByCall(data) : Queue(data);
    }

    public override void ShutdownSend()
    {
        if (Has(UringState.Disposed))
            return;
        if (_queued == 0 && _unsent is null && (_departure is null || (Ready & Readiness.Writable) != 0))
        {
            _ = LibC.Shutdown(Descriptor, SocketConstants.ShutdownWrite);
            return;
        }
        _state |= UringState.ShutdownWhenSent;
        _loop.Hurry();
    }

    private unsafe int SendByCall(ReadOnlySpan<byte> data)
    {
        fixed (byte* pointer = data)
        {
            for (var attempt = 0; ; attempt++)
            {
                var count = (int)LibC.Send(Descriptor, pointer, (nuint)data.Length, Flags);
                if (count < 0 && !WouldBlock())
                {
                    if (attempt < MaxAttempts)
                        continue;
                    Break();
                    return -1;
                }
                count = Math.Max(count, 0);
                if (count < data.Length)
                {
                    Ready &= ~Readiness.Writable;
                    if (_departure is null)
                        PollOut();
                }
                return count;
            }
        }
    }

    private unsafe int Queue(ReadOnlySpan<byte> data)
    {
        var count = Math.Min(data.Length, MaxQueued - _queued);
        if (!_loop.TryQueueSend(Descriptor, _registration, ref _sendEntry, ref _queued, data[..count]))
        {
            // Everything queued was submitted, which may have shown that the socket takes no more.
            if (Has(UringState.Broken))
                return -1;
            if ((Ready & Readiness.Writable) == 0 || !_loop.TryQueueSend(Descriptor, _registration, ref _sendEntry, ref _queued, data[..count]))
            {
                LimitUntilSubmitted();
                return 0;
            }
        }
        if (_queued == MaxQueued)
            LimitUntilSubmitted();
        return count;
    }

    private void LimitUntilSubmitted()
    {
        if (_unsent is not null)
            return;
        Ready &= ~Readiness.Writable;
        _state |= UringState.Limited;
        _loop.TellWhenSubmitted(_registration);
    }

    private unsafe void OnShortSend(int result)
    {
        if (result < 0 && result is not (-Errno.Again or -Errno.Interrupted))
        {
            Break();
            Wake();
            return;
        }
        var sent = Math.Max(result, 0);
        if (sent >= _queued)
            return;
        _unsent = new UringUnsent(new ReadOnlySpan<byte>((byte*)_sendEntry->Address + sent, _queued - sent));
        Ready &= ~Readiness.Writable;
        PollOut();
    }

    // Room in the socket, or its failure: what is unsent goes first.
    private unsafe void OnWritable()
    {
        if (_unsent is { } unsent && !Has(UringState.Broken))
        {
            fixed (byte* pointer = unsent.Bytes)
            {
                var count = (int)LibC.Send(Descriptor, pointer, (nuint)unsent.Bytes.Length, Flags);
                if (count > 0)
                    unsent.Consume(count);
                else if (count < 0 && !WouldBlock() && PeerClosed)
                    Break();
            }
            if (!unsent.Bytes.IsEmpty && !Has(UringState.Broken))
            {
                PollOut();
                return;
            }
        }
        ForgetUnsent();
        OnAllSent();
    }

    private void OnAllSent()
    {
        _state &= ~UringState.Limited;
        Ready |= Readiness.Writable;
        if (Has(UringState.ShutdownWhenSent) && !Has(UringState.Broken))
            _ = LibC.Shutdown(Descriptor, SocketConstants.ShutdownWrite);
        _state &= ~UringState.ShutdownWhenSent;
    }

    private void ForgetUnsent()
    {
        _unsent?.Dispose();
        _unsent = null;
    }
}
