using System.Runtime.InteropServices;

namespace ShardProxy.Control.Embedded;

/// <summary>Signals as the postmaster understands them (postgres manual, "Shutting Down the Server").</summary>
internal static partial class ServerSignal
{
    /// <summary>SIGINT: clients are cut off, everything is written.</summary>
    public const int FastShutdown = 2;

    /// <summary>SIGQUIT: ends at once; the next start recovers from the log.</summary>
    public const int ImmediateShutdown = 3;

    public static void Send(int processId, int signal) => _ = Kill(processId, signal);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
