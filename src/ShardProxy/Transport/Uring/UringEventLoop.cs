using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// A loop over one io_uring. Receiving is armed once for each connection; what is to be sent is queued, and one system call
/// a turn hands all of it to the kernel and waits for what comes next.
/// </summary>
/// <remarks>
/// Sends ask the kernel to take all or to say how much it took, at once (MSG_DONTWAIT and MSG_WAITALL), and to say nothing
/// when it took all: so when a submission is over, each send is over, and the arena that held the bytes is free.
/// <see cref="UringProbe"/> tries at the start that the kernel does so.
/// </remarks>
public sealed unsafe class UringEventLoop : NativeLoop
{
    private const uint Submissions = 1024;

    private const uint Completions = 8192;

    /// <summary>How often a kernel that is short of something is asked again before the turn goes on.</summary>
    private const int MaxAttempts = 3;

    private readonly UringRing _ring;
    private readonly UringArena _arena = new();
    private readonly TargetTable<IUringTarget> _table = new();
    private readonly WakeEvent _wake;
    private ulong[] _sending = new ulong[256];
    private int _sendingCount;
    private uint _lastSend;
    private bool _mustNotSleep;
    private bool _isNoting;

    /// <exception cref="UringUnavailableException">io_uring cannot be used here.</exception>
    public UringEventLoop(int index, ILogger logger)
        : base(index, logger)
    {
        _ring = new UringRing(Submissions, Completions);
        try
        {
            _wake = new WakeEvent();
        }
        catch (Win32Exception)
        {
            _ring.Dispose();
            throw;
        }
    }

    internal UringBuffers Buffers => _ring.Buffers;

    /// <summary>Operations of connections are told apart by this, with the operation in the lowest bits.</summary>
    internal static ulong UserData(ulong registration, UringOperation operation) =>
        (registration & 0xFFFFFFFF_00000000) | ((ulong)(uint)registration << 4) | (byte)operation;

    internal override IAcceptSource Accept(Socket listener, LoopSignal signal) => new UringAcceptSource(this, listener, signal);

    /// <summary>The result tells the target's operations from those of others: see <see cref="UserData"/>. Loop's thread.</summary>
    internal ulong Register(IUringTarget target)
    {
        lock (Noting)
            return IsClosed ? throw new IOException("The event loop has ended.") : _table.Add(target);
    }

    /// <summary>Completions of what is still under way reach nobody; their buffers go back. Loop's thread.</summary>
    internal void Unregister(ulong registration)
    {
        lock (Noting)
            _table.Remove(registration);
    }

    /// <summary>With the loop's lock held; any thread.</summary>
    internal void Replace(ulong registration, IUringTarget target) => _table.Replace(registration, target);

    /// <summary>A cleared entry that goes to the kernel with the next submission. Loop's thread.</summary>
    internal UringSubmission* Entry(byte operation, int descriptor, ulong userData)
    {
        if (_ring.IsFull)
        {
            if (_isNoting)
                _ring.Enter(0, 0);
            else
                Submit(0, 0);
        }
        var entry = _ring.Next();
        entry->Operation = operation;
        entry->Descriptor = descriptor;
        entry->UserData = userData;
        return entry;
    }

    /// <summary>
    /// Queues bytes to be sent, behind those that the connection has queued in this turn already (<paramref name="entry"/> and
    /// <paramref name="queued"/>, which it sets). False: there was no room, so all that was queued has been submitted.
    /// </summary>
    internal bool TryQueueSend(int descriptor, ulong registration, ref UringSubmission* entry, ref int queued, ReadOnlySpan<byte> data)
    {
        if (!_arena.HasRoom(queued + data.Length) || _ring.IsFull)
        {
            Submit(0, 0);
            return false;
        }
        if (queued == 0)
        {
            entry = Entry(UringConstants.OperationSend, descriptor, UserData(registration, UringOperation.Send));
            entry->Flags = UringConstants.FlagSkipSuccess;
            entry->CallFlags = SocketConstants.MessageDontWait | SocketConstants.MessageNoSignal | UringConstants.MessageWaitAll;
            entry->Address = (ulong)_arena.Take(0);
            NoteSending(registration);
            _lastSend = _ring.Position;
        }
        var start = (byte*)entry->Address;
        if (!_arena.EndsAt(start + queued))
        {
            var moved = _arena.Take(queued);
            Buffer.MemoryCopy(start, moved, queued, queued);
            start = moved;
            entry->Address = (ulong)moved;
        }
        data.CopyTo(new Span<byte>(_arena.Take(data.Length), data.Length));
        queued += data.Length;
        entry->Length = (uint)queued;
        return true;
    }

    /// <summary>Something is to be looked at as soon as what is queued has been submitted: the loop does not wait for more.</summary>
    internal void Hurry() => _mustNotSleep = true;

    /// <summary>The target hears of the next submission although it has queued nothing to send.</summary>
    internal void TellWhenSubmitted(ulong registration)
    {
        NoteSending(registration);
        _mustNotSleep = true;
    }

    /// <summary>Hands everything queued to the kernel, and lets what was cancelled come to its end.</summary>
    internal void Flush()
    {
        Submit(0, 0);
        Submit(0, 0);
    }

    private protected override NativeConnection Bind(int fd, string name, bool isConnecting) => new UringConnection(this, fd, name, isConnecting);

    private protected override void Begin()
    {
        _ring.Begin();
        WatchWake();
    }

    private protected override void Wait(int milliseconds)
    {
        var sleeps = milliseconds != 0 && !_mustNotSleep;
        _mustNotSleep = false;
        Submit(sleeps ? 1u : 0, milliseconds);
    }

    private protected override void Wake() => _wake.Set();

    private protected override void CloseRemaining()
    {
        IUringTarget[] targets;
        lock (Noting)
            targets = _table.ToArray();
        foreach (var target in targets)
            target.OnLoopStopped();
        Flush();
    }

    private protected override void CloseDescriptors()
    {
        _ring.Dispose();
        _arena.Dispose();
        _wake.Dispose();
    }

    private void Submit(uint wait, int milliseconds)
    {
        _ring.Enter(wait, milliseconds);
        for (var attempt = 0; attempt < MaxAttempts; attempt++)
        {
            lock (Noting)
            {
                NoteCompletions();
                if (!_ring.HasOverflow && (_sendingCount == 0 || _ring.HasSubmitted(_lastSend)))
                {
                    NoteSubmitted();
                    return;
                }
            }
            _ring.Enter(0, 0);
        }
        // What is queued stays so, and its bytes stand where they are: the next turn tries again.
        _mustNotSleep = true;
    }

    private void NoteCompletions()
    {
        _isNoting = true;
        while (true)
        {
            var completion = _ring.Peek();
            if (completion is null)
                break;
            var (data, result, flags) = (completion->UserData, completion->Result, completion->Flags);
            _ring.Taken();
            var operation = (UringOperation)(data & 15);
            if (operation == UringOperation.Wake)
            {
                if ((flags & UringConstants.CompletionMore) == 0)
                    WatchWake();
            }
            else if (_table.Find((data & 0xFFFFFFFF_00000000) | ((uint)data >> 4)) is { } target && operation != UringOperation.None)
            {
                target.OnCompletion(operation, result, flags);
            }
            else if ((flags & UringConstants.CompletionBuffer) != 0)
            {
                Recycle(flags);
            }
            else if (operation == UringOperation.Accept && result >= 0)
            {
                _ = LibC.Close(result);
            }
        }
        _isNoting = false;
    }

    private void NoteSubmitted()
    {
        for (var i = 0; i < _sendingCount; i++)
            _table.Find(_sending[i])?.OnSubmitted();
        _sendingCount = 0;
        _arena.Reset();
    }

    private void NoteSending(ulong registration)
    {
        if (_sendingCount == _sending.Length)
            Array.Resize(ref _sending, _sendingCount * 2);
        _sending[_sendingCount++] = registration;
    }

    /// <summary>A buffer that was filled for nobody.</summary>
    internal void Recycle(uint flags)
    {
        var id = (int)(flags >> UringConstants.BufferShift);
        Buffers.Take(id, 0);
        Buffers.GiveBack(id);
    }

    // Every write to it is an event of its own, so the counter is never read back.
    private void WatchWake()
    {
        var entry = Entry(UringConstants.OperationPollAdd, _wake.Descriptor, (ulong)UringOperation.Wake);
        entry->CallFlags = UringConstants.PollIn;
        entry->Length = UringConstants.PollMultishot;
    }
}
