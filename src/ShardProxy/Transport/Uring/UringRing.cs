using System.ComponentModel;
using System.Runtime.InteropServices;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <summary>
/// One io_uring: its two queues in memory shared with the kernel, and its buffers. Made on any thread, used by one. The kernel looks at queued
/// entries only inside of <see cref="Enter"/>, so an entry may be changed until then.
/// </summary>
internal sealed unsafe class UringRing : IDisposable
{
    private readonly UringParameters _parameters;
    private readonly byte* _rings;
    private readonly nuint _ringsLength;
    private readonly UringSubmission* _submissions;
    private readonly UringCompletion* _completions;
    private readonly uint* _submissionHead;
    private readonly uint* _submissionTail;
    private readonly uint* _submissionFlags;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly uint _submissionMask;
    private readonly uint _completionMask;
    private readonly int _descriptor;
    private int _enterDescriptor;
    private uint _enterFlags = UringConstants.EnterGetEvents | UringConstants.EnterWaitArgument;
    private uint _tail;
    private bool _disposed;

    /// <param name="submissions">Entries that one call can submit; a power of two.</param>
    /// <param name="completions">Completions that wait at most before the kernel keeps them aside; a power of two.</param>
    /// <exception cref="UringUnavailableException">The kernel has no io_uring, or not for this process, or too old a one.</exception>
    internal UringRing(uint submissions, uint completions)
    {
        _descriptor = Create(submissions, completions, out _parameters);
        try
        {
            const uint Features = UringConstants.FeatureSingleMap | UringConstants.FeatureNoDrop
                | UringConstants.FeatureWaitArgument | UringConstants.FeatureSkipSuccess;
            if ((_parameters.Features & Features) != Features)
                throw new UringUnavailableException("the kernel's io_uring is too old: 6.0 is needed");
            _ringsLength = Math.Max(
                _parameters.Submission.Seventh + (_parameters.SubmissionEntries * sizeof(uint)),
                _parameters.Completion.Sixth + (_parameters.CompletionEntries * (uint)sizeof(UringCompletion)));
            _rings = UringCalls.MapRing(_descriptor, _ringsLength, UringConstants.OffsetRings);
            _submissions = (UringSubmission*)UringCalls.MapRing(_descriptor, SubmissionBytes, UringConstants.OffsetSubmissions);
            if (_rings is null || _submissions is null)
                throw new UringUnavailableException($"its queues cannot be mapped: {Marshal.GetLastPInvokeErrorMessage()}");
            Buffers = new UringBuffers();
            var error = Buffers.Register(_descriptor);
            if (error != 0)
                throw new UringUnavailableException($"its buffers cannot be registered: {Marshal.GetPInvokeErrorMessage(error)}");
        }
        catch
        {
            Dispose();
            throw;
        }
        _enterDescriptor = _descriptor;
        _submissionHead = (uint*)(_rings + _parameters.Submission.Head);
        _submissionTail = (uint*)(_rings + _parameters.Submission.Tail);
        _submissionFlags = (uint*)(_rings + _parameters.Submission.Fifth);
        _submissionMask = *(uint*)(_rings + _parameters.Submission.Mask);
        _completionHead = (uint*)(_rings + _parameters.Completion.Head);
        _completionTail = (uint*)(_rings + _parameters.Completion.Tail);
        _completionMask = *(uint*)(_rings + _parameters.Completion.Mask);
        _completions = (UringCompletion*)(_rings + _parameters.Completion.Sixth);
        // Entries are used in the order of their places.
        var order = (uint*)(_rings + _parameters.Submission.Seventh);
        for (var i = 0u; i < _parameters.SubmissionEntries; i++)
            order[i] = i;
    }

    internal UringBuffers Buffers { get; } = null!;

    /// <summary>Entries queued and not submitted.</summary>
    internal int Queued => (int)(_tail - Volatile.Read(ref *_submissionHead));

    internal bool IsFull => Queued == (int)_parameters.SubmissionEntries;

    /// <summary>Of the next entry; wraps.</summary>
    internal uint Position => _tail;

    /// <summary>The kernel holds back completions for which the queue had no room.</summary>
    internal bool HasOverflow => (Volatile.Read(ref *_submissionFlags) & UringConstants.SubmissionOverflow) != 0;

    private nuint SubmissionBytes => _parameters.SubmissionEntries * (nuint)sizeof(UringSubmission);

    /// <summary>Whether the kernel has taken all entries before a position.</summary>
    internal bool HasSubmitted(uint position) => (int)(Volatile.Read(ref *_submissionHead) - position) >= 0;

    /// <summary>Makes the calling thread the one that submits.</summary>
    internal void Begin()
    {
        if (UringCalls.Register(_descriptor, UringConstants.RegisterEnableRings, null, 0) < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "The io_uring cannot be enabled");
        // Spares the kernel a look-up of the descriptor at each call; one can do without.
        var update = new UringResourceUpdate { Offset = uint.MaxValue, Data = (ulong)_descriptor };
        if (UringCalls.Register(_descriptor, UringConstants.RegisterRingDescriptors, &update, 1) == 1)
        {
            _enterDescriptor = (int)update.Offset;
            _enterFlags |= UringConstants.EnterRegisteredRing;
        }
    }

    /// <summary>The next entry, cleared. Only when the queue is not full.</summary>
    internal UringSubmission* Next()
    {
        var entry = _submissions + (_tail & _submissionMask);
        *entry = default;
        _tail++;
        return entry;
    }

    /// <summary>Submits everything that is queued and waits for completions.</summary>
    /// <param name="wait">Completions to wait for.</param>
    /// <param name="milliseconds">-1 is no limit. With nothing to wait for it does not matter.</param>
    internal void Enter(uint wait, int milliseconds)
    {
        Volatile.Write(ref *_submissionTail, _tail);
        var time = new KernelTime { Seconds = milliseconds / 1000, Nanoseconds = milliseconds % 1000 * 1_000_000L };
        var argument = new UringWaitArgument { Time = wait > 0 && milliseconds >= 0 ? (ulong)&time : 0 };
        var result = UringCalls.Enter(_enterDescriptor, (uint)Queued, wait, _enterFlags, &argument);
        if (result >= 0)
            return;
        var error = Marshal.GetLastPInvokeError();
        // Short of memory or of room for completions it is tried again in the next turn, after those that are there were taken.
        if (error is not (Errno.TimedOut or Errno.Interrupted or Errno.Again or Errno.Busy))
            throw new Win32Exception(error, "io_uring_enter failed");
    }

    /// <summary>The next completion, or null. It is gone with the next <see cref="Taken"/>.</summary>
    internal UringCompletion* Peek()
    {
        var head = *_completionHead;
        return head == Volatile.Read(ref *_completionTail) ? null : _completions + (head & _completionMask);
    }

    internal void Taken() => Volatile.Write(ref *_completionHead, *_completionHead + 1);

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        // The kernel lets go of all memory before its last reference to the ring is gone, so it is closed first.
        _ = LibC.Close(_descriptor);
        if (_rings is not null)
            _ = UringCalls.Unmap(_rings, _ringsLength);
        if (_submissions is not null)
            _ = UringCalls.Unmap((byte*)_submissions, SubmissionBytes);
        Buffers?.Dispose();
    }

    private static int Create(uint submissions, uint completions, out UringParameters parameters)
    {
        const uint Always = UringConstants.SetupCompletionSize | UringConstants.SetupClamp | UringConstants.SetupDisabled
            | UringConstants.SetupSubmitAll | UringConstants.SetupCooperative | UringConstants.SetupSingleIssuer;
        var error = 0;
        foreach (var flags in (ReadOnlySpan<uint>)[Always | UringConstants.SetupDeferred, Always])
        {
            var wanted = new UringParameters { CompletionEntries = completions, Flags = flags };
            var descriptor = UringCalls.Setup(submissions, &wanted);
            if (descriptor >= 0)
            {
                parameters = wanted;
                return descriptor;
            }
            error = Marshal.GetLastPInvokeError();
            if (error != Errno.Invalid)
                break;
        }
        throw UringUnavailableException.Of(error);
    }
}
