namespace ShardProxy.Transport;

/// <summary>
/// Ends a connection so that the peer reads the last words. Closing a socket with bytes unread makes the kernel reset the
/// connection, which may overtake what was sent; so the sending side is closed first and what still arrives is thrown away,
/// for a bounded time and amount.
/// </summary>
public static class LingeringClose
{
    private const int MaxBytes = 256 * 1024;

    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(2);

    /// <summary>Sends what the channel's output holds, waits for the peer to go, disposes the connection. Sets the signal's deadline. Never throws for what the peer does.</summary>
    public static async Task RunAsync(FrameChannel channel)
    {
        var connection = channel.Connection;
        var signal = connection.Signal;
        try
        {
            if (signal is null)
                return;
            signal.Deadline = Environment.TickCount64 + (long)MaxTime.TotalMilliseconds;
            await channel.FlushAsync();
            connection.ShutdownSend();
            channel.Input.Clear();
            for (var left = MaxBytes; left > 0; left -= channel.Input.Count, channel.Input.Clear())
                await channel.ReceiveAsync();
        }
        catch (Exception e) when (e is IOException or TimeoutException or ObjectDisposedException)
        {
            // The peer has gone, or does not want to: the connection closes either way.
        }
        finally
        {
            if (signal is not null)
                signal.Deadline = 0;
            connection.Dispose();
            channel.Input.Clear();
            channel.Input.Release();
            channel.Output.Clear();
            channel.Output.Release();
        }
    }
}
