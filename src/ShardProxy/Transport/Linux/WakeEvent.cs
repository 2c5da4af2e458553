using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ShardProxy.Transport.Linux;

/// <summary>An eventfd by which any thread ends a loop's wait. The loop watches for edges, so the counter is never read back.</summary>
internal sealed class WakeEvent : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <exception cref="Win32Exception">The process has no descriptor left.</exception>
    public WakeEvent()
    {
        var descriptor = LibC.EventFd(0, SocketConstants.CloseOnExec | SocketConstants.NonBlocking);
        if (descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError(), "eventfd failed");
        _handle = new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>Valid until the event is disposed.</summary>
    public int Descriptor => (int)_handle.DangerousGetHandle();

    /// <summary>Any thread, also one that comes late: after the end it does nothing.</summary>
    public unsafe void Set()
    {
        var one = 1UL;
        try
        {
            _ = LibC.Write(_handle, (byte*)&one, sizeof(ulong));
        }
        catch (ObjectDisposedException)
        {
            // The loop has ended.
        }
    }

    public void Dispose() => _handle.Dispose();
}
