using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <content>Receiving: by one armed receive, or by calls while much arrives.</content>
internal sealed partial class UringConnection
{
    public override int TryReceive(Span<byte> buffer)
    {
        if ((Ready & Readiness.Readable) == 0 || buffer.IsEmpty || !MayReceive(_loop))
            return 0;
        ObjectDisposedException.ThrowIf(Has(UringState.Disposed), this);
        if (!_inbox.IsEmpty)
        {
            var count = _inbox.Take(_loop.Buffers, buffer);
            NoteReceived(count);
            // Without a receive under way only a try can tell whether there is more.
            if (_inbox.IsEmpty && (_departure is not null || (Has(UringState.Receiving) && !Has(UringState.Ended))))
                Ready &= ~Readiness.Readable;
            return count;
        }
        if (Has(UringState.Ended))
            return -1;
        if (Has(UringState.Receiving) || _departure is not null)
        {
            Ready &= ~Readiness.Readable;
            return 0;
        }
        return ReceiveByCall(buffer);
    }

    private unsafe int ReceiveByCall(Span<byte> buffer)
    {
        fixed (byte* pointer = buffer)
        {
            for (var attempt = 0; ; attempt++)
            {
                var count = (int)LibC.Receive(Descriptor, pointer, (nuint)buffer.Length, Flags);
                if (count > 0)
                {
                    NoteReceived(count);
                    if (count < buffer.Length && !PeerClosed)
                        WaitForMore(count);
                    return count;
                }
                if (count == 0)
                {
                    PeerClosed = true;
                    _state |= UringState.Ended;
                    return -1;
                }
                // After a hang-up there is the end to receive at least, so then this is no "try again".
                if (WouldBlock() && !PeerClosed)
                {
                    WaitForMore(0);
                    return 0;
                }
                if (attempt == MaxAttempts)
                {
                    Break();
                    return -1;
                }
            }
        }
    }

    // A short receive has emptied the socket.
    private void WaitForMore(int received)
    {
        Ready &= ~Readiness.Readable;
        if (received < UringBuffers.Size)
            _state &= ~UringState.Bulk;
        if (Has(UringState.Bulk) || _loop.Buffers.AreScarce)
            PollIn();
        else
            Receive();
    }

    private void OnReceived(int result, uint flags)
    {
        if ((flags & UringConstants.CompletionMore) == 0)
            _state &= ~UringState.Receiving;
        if (result > 0)
        {
            _inbox.Add(_loop.Buffers, (int)(flags >> UringConstants.BufferShift), result);
            if (Has(UringState.Disposed))
                _inbox.Clear(_loop.Buffers);
            else if (_inbox.IsLarge)
                StartBulk();
        }
        else
        {
            if ((flags & UringConstants.CompletionBuffer) != 0)
                _loop.Recycle(flags);
            switch (-result)
            {
                case 0:
                    PeerClosed = true;
                    _state |= UringState.Ended;
                    break;
                case Errno.NoBuffers:
                    _state |= UringState.Bulk;
                    break;
                case Errno.Cancelled or Errno.Interrupted or Errno.Again:
                    break;
                default:
                    Break();
                    break;
            }
        }
        if (!Has(UringState.Receiving | UringState.Ended | UringState.Disposed))
        {
            if (Has(UringState.Bulk))
                WatchHangUp();
            else
                Receive();
        }
        Ready |= Readiness.Readable;
    }

    // The receive ends with one more completion; from then on calls receive.
    private unsafe void StartBulk()
    {
        if (Has(UringState.Bulk))
            return;
        _state |= UringState.Bulk;
        if (!Has(UringState.Receiving))
            return;
        var entry = _loop.Entry(UringConstants.OperationCancel, -1, UringEventLoop.UserData(_registration, UringOperation.Cancel));
        entry->Address = UringEventLoop.UserData(_registration, UringOperation.Receive);
    }

    private unsafe void Receive()
    {
        _state |= UringState.Receiving;
        var entry = _loop.Entry(UringConstants.OperationReceive, Descriptor, UringEventLoop.UserData(_registration, UringOperation.Receive));
        entry->Flags = UringConstants.FlagBufferSelect;
        entry->OperationFlags = UringConstants.ReceiveMultishot;
    }
}
