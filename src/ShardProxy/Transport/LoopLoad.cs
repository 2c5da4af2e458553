using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport;

/// <summary>How much of a processor a loop's thread uses, measured by its CPU time about ten times a second while it has anything to do.</summary>
internal sealed class LoopLoad
{
    /// <summary>Milliseconds between two samples.</summary>
    internal const int Window = 100;

    private long _cpu;
    private long _sampledAt;
    private double _share;

    /// <summary>A thread's CPU time can be read on this system.</summary>
    internal static bool IsMeasurable => OperatingSystem.IsLinux();

    internal bool IsDue(long now) => now - _sampledAt >= Window;

    /// <summary>On the loop's thread.</summary>
    internal void Sample(long now)
    {
        var cpu = LibC.ThreadCpuNanoseconds();
        if (_sampledAt != 0)
        {
            var share = (cpu - _cpu) / ((now - _sampledAt) * 1e6);
            Volatile.Write(ref _share, (Volatile.Read(ref _share) + share) / 2);
        }
        _cpu = cpu;
        Volatile.Write(ref _sampledAt, now);
    }

    /// <summary>Between 0 and 1, smoothed. A loop that has not woken for some windows does nothing. Any thread.</summary>
    internal double ShareAt(long now) => now - Volatile.Read(ref _sampledAt) > 3 * Window ? 0 : Volatile.Read(ref _share);
}
