using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Epoll;

/// <summary>
/// A loop over Linux's epoll. Every descriptor is registered once, edge-triggered for both directions, so that waiting
/// for something costs no system call of its own: a connection remembers what is ready and the loop only hears of
/// changes.
/// </summary>
public sealed unsafe class EpollEventLoop : NativeLoop
{
    /// <summary>Events fetched by one call.</summary>
    private const int BatchSize = 256;

    /// <summary>What <see cref="Attach"/> never returns.</summary>
    internal const ulong NotAttached = ulong.MaxValue;

    private const ulong WakeData = NotAttached;

    private readonly TargetTable<IEpollTarget> _table = new();
    private readonly EpollEvents _events = new(BatchSize);
    private readonly int _epoll;
    private readonly WakeEvent _wake;

    /// <exception cref="PlatformNotSupportedException">On systems other than Linux.</exception>
    public EpollEventLoop(int index, ILogger logger)
        : base(index, logger)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("epoll is a part of Linux.");
        _epoll = LibC.EpollCreate(SocketConstants.CloseOnExec);
        if (_epoll < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "epoll_create1 failed");
        try
        {
            _wake = new WakeEvent();
        }
        catch (Win32Exception)
        {
            _ = LibC.Close(_epoll);
            throw;
        }
        _ = EpollEvents.Add(_epoll, _wake.Descriptor, EpollEvents.In | EpollEvents.EdgeTriggered, WakeData);
    }

    internal override IAcceptSource Accept(Socket listener, LoopSignal signal) => new EpollAcceptSource(this, listener, signal);

    /// <summary>Registers a descriptor, any thread. Returns what <see cref="Detach"/> needs. Its first event comes at once when it is ready.</summary>
    internal ulong Attach(int fd, IEpollTarget target)
    {
        const uint Mask = EpollEvents.In | EpollEvents.Out | EpollEvents.PeerHangUp | EpollEvents.EdgeTriggered;
        int error;
        ulong data;
        lock (Noting)
        {
            if (IsClosed)
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
        lock (Noting)
        {
            if (_table.Find(data) is null)
                return;
            EpollEvents.Remove(_epoll, fd);
            _table.Remove(data);
        }
    }

    private protected override NativeConnection Bind(int fd, string name, bool isConnecting) =>
        new EpollConnection(this, fd, name, isConnecting ? Readiness.None : Readiness.Readable | Readiness.Writable);

    private protected override void Wait(int milliseconds)
    {
        var count = LibC.EpollWait(_epoll, _events.Pointer, _events.Capacity, milliseconds);
        if (count > 0)
        {
            Note(count);
        }
        else if (count < 0)
        {
            var error = Marshal.GetLastPInvokeError();
            if (error != Errno.Interrupted)
                throw new Win32Exception(error, "epoll_wait failed");
        }
    }

    private protected override void Wake() => _wake.Set();

    private protected override void CloseRemaining()
    {
        IEpollTarget[] targets;
        lock (Noting)
            targets = _table.ToArray();
        foreach (var target in targets)
            target.OnLoopStopped();
    }

    private protected override void CloseDescriptors()
    {
        _ = LibC.Close(_epoll);
        _wake.Dispose();
        _events.Dispose();
    }

    /// <summary>The lock, taken once per batch, is what lets another thread take a connection away: see <see cref="Detach"/>.</summary>
    private void Note(int count)
    {
        lock (Noting)
        {
            for (var i = 0; i < count; i++)
            {
                var data = _events.Data(i);
                if (data != WakeData)
                    _table.Find(data)?.OnEvents(_events.Mask(i));
            }
        }
    }
}
