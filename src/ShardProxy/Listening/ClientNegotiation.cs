using Microsoft.Extensions.Logging;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Listening;

/// <summary>
/// Takes each accepted connection through encryption and start-up, within the login's time, and hands it to the handler;
/// whatever happens, the connection is closed in the end.
/// </summary>
public sealed class ClientNegotiation(
    TlsServerCredentials credentials,
    ClientGate gate,
    IClientHandler handler,
    ILogger logger)
{
    /// <summary>From the first byte to the end of authentication; zero is no limit. May change while running.</summary>
    public TimeSpan LoginTimeout { get; set; }

    /// <summary>Largest message of a client, header included, in bytes.</summary>
    public int MaxMessageBytes { get; init; } = 1 << 30;

    /// <summary>Serves the connection from now on. Its loop's thread.</summary>
    public void Start(Connection connection) => _ = RunAsync(connection);

    private async Task RunAsync(Connection connection)
    {
        var signal = new LoopSignal(connection.Loop);
        connection.Signal = signal;
        if (LoginTimeout > TimeSpan.Zero)
            signal.Deadline = Environment.TickCount64 + (long)LoginTimeout.TotalMilliseconds;
        var channel = new FrameChannel(connection, MaxMessageBytes);
        var linger = false;
        IAdmittedClient? admitted = null;
        try
        {
            (linger, admitted) = await NegotiateAsync(channel);
        }
        catch (ClientRefusedException e)
        {
            ListeningLog.Refused(logger, connection.RemoteName, e.Error.SqlState, e.Message);
            // After a refused start-up the output may hold half a message only if the peer does not read; then nothing helps.
            ErrorResponseMessage.Write(channel.Output, e.Error);
            linger = true;
        }
        catch (Exception e) when (e is IOException or TimeoutException)
        {
            ListeningLog.Lost(logger, connection.RemoteName, e.Message);
        }
        catch (Exception e)
        {
            ListeningLog.Failed(logger, connection.RemoteName, e);
        }
        // Here and not in a method of its own: each one that waits costs an idle client its state.
        if (admitted is not null)
        {
            Exception? failure = null;
            try
            {
                await admitted.ServeAsync();
            }
            catch (Exception e)
            {
                failure = e;
            }
            linger = admitted.Leave(failure) || !channel.Output.IsEmpty;
            gate.Leave();
        }
        signal.Deadline = 0;
        if (linger)
            await LingeringClose.RunAsync(channel);
        else
            Close(channel);
    }

    /// <summary>Whether what is in the output is worth sending in the end; and the client, through the gate, if it is to be served.</summary>
    private async Task<(bool Linger, IAdmittedClient? Client)> NegotiateAsync(FrameChannel channel)
    {
        var dialogue = new StartupDialogue(channel, credentials);
        await dialogue.RunAsync();
        if (dialogue.Cancel is { } cancel)
        {
            await handler.CancelAsync(cancel.ProcessId, cancel.Key);
            return (false, null);
        }
        if (dialogue.Startup is not { } startup)
            return (false, null);
        if (!gate.TryEnter())
            throw StartupErrors.TooManyClients();
        IAdmittedClient? admitted = null;
        try
        {
            if (startup.NeedsNegotiation)
                NegotiateProtocolVersionMessage.Write(channel.Output, startup.AgreedVersion, startup.UnknownOptions);
            admitted = await handler.AdmitAsync(new NegotiatedClient(
                channel, startup.AgreedVersion, startup.User, startup.Database, startup.Settings, dialogue.Tls));
            return (true, admitted);
        }
        finally
        {
            if (admitted is null)
                gate.Leave();
        }
    }

    private static void Close(FrameChannel channel)
    {
        channel.Connection.Dispose();
        channel.Input.Clear();
        channel.Input.Release();
        channel.Output.Clear();
        channel.Output.Release();
    }
}
