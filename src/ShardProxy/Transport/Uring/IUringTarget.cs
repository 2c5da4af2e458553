namespace ShardProxy.Transport.Uring;

/// <summary>What stands behind operations under way. Loop's thread, with the loop's lock: note it, schedule a signal, run nothing.</summary>
internal interface IUringTarget
{
    /// <param name="result">As the kernel gives it: negative is an error number, negated.</param>
    /// <param name="flags">Whether a buffer was used, and whether more completions follow.</param>
    void OnCompletion(UringOperation operation, int result, uint flags);

    /// <summary>What was to be sent has been handed to the kernel; where it took less, <see cref="OnCompletion"/> has told so before.</summary>
    void OnSubmitted();

    /// <summary>The loop ends: let go of the descriptor.</summary>
    void OnLoopStopped();
}
