using System.Net.Sockets;
using System.Runtime.InteropServices;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <summary>A multishot accept on a <see cref="UringEventLoop"/>: armed once, and again after a failure.</summary>
internal sealed unsafe class UringAcceptSource : IAcceptSource, IUringTarget
{
    private readonly UringEventLoop _loop;
    private readonly Socket _listener;
    private readonly LoopSignal _signal;
    private readonly ulong _registration;
    private readonly Queue<int> _accepted = new();
    private bool _isArmed;
    private bool _isDisposed;
    private int _error;
    private int _failure;

    internal UringAcceptSource(UringEventLoop loop, Socket listener, LoopSignal signal)
    {
        _loop = loop;
        _listener = listener;
        _signal = signal;
        NativeSocket.MakeBlocking((int)listener.Handle);
        _registration = loop.Register(this);
    }

    public string FailureText => Marshal.GetPInvokeErrorMessage(_failure);

    public bool TryAccept(out AcceptedSocket accepted, out AcceptFailure failure)
    {
        failure = AcceptFailure.None;
        if (_accepted.TryDequeue(out var fd))
        {
            accepted = new AcceptedSocket(fd, null, NativeSocket.PeerName(fd));
            return true;
        }
        accepted = default;
        if (_isArmed || _isDisposed)
            return false;
        failure = _error == 0 ? AcceptFailure.None : AcceptFailures.Of(_error);
        _failure = _error;
        _error = 0;
        // After a pause, when the next try finds no error any more.
        if (failure != AcceptFailure.BackOff)
            Arm();
        return false;
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        // The accept holds the listening socket: it has to end before closing the descriptor closes the port.
        var cancel = _loop.Entry(UringConstants.OperationCancel, -1, (ulong)UringOperation.None);
        cancel->Address = UringEventLoop.UserData(_registration, UringOperation.Accept);
        cancel->Flags = UringConstants.FlagSkipSuccess;
        _loop.Flush();
        _loop.Unregister(_registration);
        while (_accepted.TryDequeue(out var fd))
            NativeSocket.Close(fd);
    }

    void IUringTarget.OnCompletion(UringOperation operation, int result, uint flags)
    {
        if ((flags & UringConstants.CompletionMore) == 0)
            _isArmed = false;
        if (result >= 0)
            _accepted.Enqueue(result);
        else
            _error = -result;
        _signal.Set();
    }

    void IUringTarget.OnSubmitted()
    {
    }

    void IUringTarget.OnLoopStopped()
    {
        Dispose();
        _listener.Dispose();
    }

    private void Arm()
    {
        _isArmed = true;
        var entry = _loop.Entry(UringConstants.OperationAccept, (int)_listener.Handle, UringEventLoop.UserData(_registration, UringOperation.Accept));
        entry->OperationFlags = UringConstants.AcceptMultishot;
        entry->CallFlags = SocketConstants.CloseOnExec;
    }
}
