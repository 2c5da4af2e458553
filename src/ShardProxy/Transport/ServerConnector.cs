using ShardProxy.Configuration;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Transport;

/// <summary>
/// Connects to one server and settles encryption by libpq's sslmode, so that the start-up packet can follow. Certificate
/// files are read at the first connection and kept; make a new connector to read them again.
/// </summary>
/// <param name="timeout">For everything up to the end of the login; zero is no limit. Exact to about 100 ms.</param>
/// <param name="maxMessageBytes">Largest message taken from the server, header included.</param>
public sealed class ServerConnector(ConnectionTarget target, TimeSpan timeout, int maxMessageBytes)
{
    private TlsClientOptions? _options;

    public ConnectionTarget Target => target;

    /// <summary>A Unix-domain socket is never encrypted: libpq ignores sslmode there.</summary>
    private bool UsesTls => target.SslMode != ServerTlsMode.Disable && !target.Host.StartsWith('/');

    /// <summary>
    /// Connects on <paramref name="loop"/>, whose thread calls this. The connection is left with a signal that carries the
    /// deadline, for the login to go on with; clear both when the login is over. Encrypted, it is a
    /// <see cref="TlsConnection"/>, which knows the channel binding.
    /// </summary>
    /// <param name="withoutTls">
    /// Stays unencrypted; only with sslmode prefer, after a server has refused the encrypted login (a line hostnossl in its
    /// pg_hba.conf): libpq then tries again like this.
    /// </param>
    /// <exception cref="ConnectFailedException">Also for what goes wrong with TLS, and for the deadline. Nothing else is thrown.</exception>
    public async ValueTask<FrameChannel> ConnectAsync(EventLoop loop, bool withoutTls = false)
    {
        if (withoutTls && target.SslMode != ServerTlsMode.Prefer)
            throw new ArgumentException("Only sslmode prefer goes on without TLS.", nameof(withoutTls));
        var deadline = timeout > TimeSpan.Zero ? Environment.TickCount64 + (long)timeout.TotalMilliseconds : 0;
        if (!UsesTls || withoutTls)
            return await OpenAsync(loop, deadline);
        try
        {
            return await OpenEncryptedAsync(loop, deadline);
        }
        catch (TlsRefusedException) when (target.SslMode == ServerTlsMode.Prefer)
        {
            // The server broke off over TLS; what is preferred is not a condition.
            return await OpenAsync(loop, deadline);
        }
        catch (TlsRefusedException e)
        {
            throw new ConnectFailedException(target.ToString(), e.Message, e.InnerException);
        }
    }

    private async ValueTask<FrameChannel> OpenAsync(EventLoop loop, long deadline)
    {
        var left = deadline == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Max(1, deadline - Environment.TickCount64));
        var connection = await SocketConnector.ConnectAsync(loop, target.Host, target.Port, left);
        connection.Signal = new LoopSignal(loop) { Deadline = deadline };
        return new FrameChannel(connection, maxMessageBytes);
    }

    private async ValueTask<FrameChannel> OpenEncryptedAsync(EventLoop loop, long deadline)
    {
        var channel = await OpenAsync(loop, deadline);
        try
        {
            if (await AskForTlsAsync(channel))
                channel.Connection = await TlsConnection.ConnectAsync(channel.Connection, Options(), target.Host);
            return channel;
        }
        catch (Exception e)
        {
            channel.Connection.Signal!.Deadline = 0;
            channel.Connection.Dispose();
            switch (e)
            {
                case TlsHandshakeException or PeerClosedException:
                    throw new TlsRefusedException(e.Message, e);
                case TimeoutException:
                    throw new ConnectFailedException(target.ToString(), "no answer in time", e);
                case TlsConfigurationException:
                    throw new ConnectFailedException(target.ToString(), e.Message, e);
                default:
                    throw;
            }
        }
    }

    /// <summary>True: the TLS handshake is next. False: the server has none, and the mode does without.</summary>
    private async ValueTask<bool> AskForTlsAsync(FrameChannel channel)
    {
        StartupPacket.WriteSslRequest(channel.Output);
        await channel.FlushAsync();
        await channel.ReceiveAsync();
        var answer = channel.Input.Unread[0];
        channel.Input.Consume(1);
        switch (answer)
        {
            case (byte)'S':
                // What came along with the answer was not encrypted and must not be read as if it had been (CVE-2021-23222).
                if (!channel.Input.IsEmpty)
                    throw new ConnectFailedException(target.ToString(), "received unencrypted data after SSL response");
                channel.Input.Release();
                return true;
            case (byte)'N' when target.SslMode == ServerTlsMode.Prefer:
                return false;
            case (byte)'N':
                throw new ConnectFailedException(target.ToString(), "server does not support SSL, but SSL was required");
            case BackendMessageType.ErrorResponse:
                // Its text came before any certificate was seen, so it is not shown (CVE-2024-10977).
                throw new TlsRefusedException("the server answered the SSL request with an error", null);
            default:
                throw new ConnectFailedException(target.ToString(), $"received invalid response to SSL negotiation: 0x{answer:x2}");
        }
    }

    private TlsClientOptions Options() => _options ??= TlsClientOptions.Load(target.SslMode, target.SslRootCertificate);

    /// <summary>This attempt failed over TLS; without it the server may still be reached.</summary>
    private sealed class TlsRefusedException(string message, Exception? inner) : Exception(message, inner);
}
