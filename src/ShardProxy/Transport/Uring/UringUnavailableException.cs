using System.Globalization;
using System.Runtime.InteropServices;
using ShardProxy.Transport.Linux;

namespace ShardProxy.Transport.Uring;

/// <summary>io_uring cannot be used here; the message says why, without a subject.</summary>
public sealed class UringUnavailableException(string message) : Exception(message)
{
    private const string Switch = "/proc/sys/kernel/io_uring_disabled";

    /// <summary>What io_uring_setup's error number means.</summary>
    internal static UringUnavailableException Of(int error) => new(error switch
    {
        Errno.NotImplemented => "the kernel has none, or a seccomp filter hides it (ENOSYS)",
        Errno.NotPermitted => SwitchedOff() ?? "it is forbidden for this process, most likely by a seccomp filter (EPERM)",
        Errno.Invalid => "the kernel's io_uring is too old: 6.0 is needed",
        _ => $"io_uring_setup failed: {Marshal.GetPInvokeErrorMessage(error)}",
    });

    /// <summary>The sysctl, since Linux 6.6: 1 leaves it to CAP_SYS_ADMIN and one group, 2 forbids it to all.</summary>
    private static string? SwitchedOff()
    {
        try
        {
            return int.TryParse(File.ReadAllText(Switch), NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && value > 0
                ? $"sysctl kernel.io_uring_disabled is {value}"
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
