using System.Net;
using System.Runtime.InteropServices;

namespace ShardProxy.Transport.Linux;

/// <summary>Connects a non-blocking socket; the loop says when it is done.</summary>
internal static class NativeConnector
{
    /// <summary>Pause before a Unix-domain socket whose backlog is full is tried again; the kernel gives no event for it.</summary>
    private static readonly TimeSpan BacklogPause = TimeSpan.FromMilliseconds(20);

    internal static async ValueTask<NativeConnection> ConnectAsync(NativeLoop loop, EndPoint endPoint, string name, long deadline)
    {
        var address = endPoint.Serialize();
        var fd = NativeSocket.Create((int)endPoint.AddressFamily, name);
        var error = NativeSocket.Connect(fd, address);
        while (error == Errno.Again && Environment.TickCount64 < deadline)
        {
            await Task.Delay(BacklogPause);
            error = NativeSocket.Connect(fd, address);
        }
        if (error is not (0 or Errno.InProgress or Errno.Interrupted))
        {
            NativeSocket.Close(fd);
            throw Failed(name, error);
        }
        NativeSocket.Tune(fd, endPoint.AddressFamily);
        var connection = loop.AdoptDescriptor(fd, name, isConnecting: error != 0);
        if (error == 0)
            return connection;
        try
        {
            await FinishAsync(loop, connection, deadline);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static async ValueTask FinishAsync(NativeLoop loop, NativeConnection connection, long deadline)
    {
        var signal = new LoopSignal(loop);
        connection.Signal = signal;
        connection.Interest = Readiness.Writable;
        if (deadline != long.MaxValue)
            signal.Deadline = deadline;
        try
        {
            while ((connection.Ready & Readiness.Writable) == 0)
            {
                await signal.WaitAsync();
                if ((connection.Ready & Readiness.Writable) == 0 && signal.DeadlinePassed)
                    throw new ConnectFailedException(connection.RemoteName, "no answer in time");
            }
        }
        finally
        {
            signal.Deadline = 0;
            connection.Signal = null;
            connection.Interest = Readiness.None;
        }
        var error = connection.TakeError();
        if (error != 0)
            throw Failed(connection.RemoteName, error);
        connection.Connected();
    }

    private static ConnectFailedException Failed(string name, int error) =>
        new(name, error == Errno.Again ? "the server's queue of new connections is full" : Marshal.GetPInvokeErrorMessage(error));
}
