using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Transport.Tls;

/// <summary>
/// Runs a handshake on the loop, waiting on the signal of the connection below, so that its deadline holds here too. The
/// connection stays the caller's to dispose when it fails.
/// </summary>
internal static class TlsHandshake
{
    /// <summary>The server's side. The connection has a signal; afterwards that is the result's.</summary>
    /// <param name="received">Bytes of the handshake that were received before it was known to be one.</param>
    /// <exception cref="TlsHandshakeException">The peers do not agree.</exception>
    /// <exception cref="TimeoutException">The signal's deadline passed.</exception>
    internal static async ValueTask<TlsConnection> AcceptAsync(Connection inner, TlsServerOptions options, ReadOnlyMemory<byte> received)
    {
        var adapter = new TlsStreamAdapter();
        adapter.Incoming.Write(received.Span);
        var ssl = new SslStream(adapter, leaveInnerStreamOpen: false);
        await RunAsync(inner, ssl, adapter, () => ssl.AuthenticateAsServerAsync(options.Authentication));
        return new TlsConnection(inner, ssl, adapter, options.EndPointHash);
    }

    /// <summary>The client's side.</summary>
    /// <param name="host">The server's name as the user gave it: for SNI and verify-full.</param>
    /// <exception cref="TlsHandshakeException">The peers do not agree, or the certificate is not what the options ask for.</exception>
    /// <exception cref="TimeoutException">The signal's deadline passed.</exception>
    internal static async ValueTask<TlsConnection> ConnectAsync(Connection inner, TlsClientOptions options, string host)
    {
        var adapter = new TlsStreamAdapter();
        var ssl = new SslStream(adapter, leaveInnerStreamOpen: false);
        string? rejection = null;
        try
        {
            await RunAsync(inner, ssl, adapter, () => ssl.AuthenticateAsClientAsync(options.ForHost(host, reason => rejection = reason)));
        }
        catch (TlsHandshakeException e) when (rejection is not null)
        {
            throw new TlsHandshakeException(inner, rejection, e);
        }
        var hash = ssl.RemoteCertificate is X509Certificate2 certificate ? ChannelBinding.ServerEndPoint(certificate) : null;
        return new TlsConnection(inner, ssl, adapter, hash);
    }

    private static async ValueTask RunAsync(Connection inner, SslStream ssl, TlsStreamAdapter adapter, Func<Task> authenticate)
    {
        try
        {
            var handshake = Start(authenticate);
            while (!handshake.IsCompleted)
            {
                await FlushAsync(inner, adapter.Outgoing);
                if (!adapter.IsWaiting)
                    throw new InvalidOperationException("The TLS engine waits for something other than the network.");
                while (!adapter.HasRecord)
                    await ReceiveAsync(inner, adapter);
                Deliver(adapter);
            }
            await handshake;
        }
        catch (Exception e)
        {
            // The alert that tells the peer why; it is small and goes out at once or not at all.
            if (!adapter.Outgoing.IsEmpty)
                _ = inner.TrySend(adapter.Outgoing.Unread);
            await ssl.DisposeAsync();
            adapter.Outgoing.Clear();
            adapter.Outgoing.Release();
            if (e is AuthenticationException)
                throw new TlsHandshakeException(inner, (e.InnerException ?? e).Message, e);
            if (e is IOException and not (PeerClosedException or TlsHandshakeException))
                throw adapter.Ended ? new PeerClosedException(inner) : new TlsHandshakeException(inner, e.Message, e);
            throw;
        }
    }

    private static Task Start(Func<Task> authenticate)
    {
        using (NoSynchronizationContext.Enter())
            return authenticate();
    }

    private static void Deliver(TlsStreamAdapter adapter)
    {
        using (NoSynchronizationContext.Enter())
            adapter.Deliver();
    }

    private static async ValueTask ReceiveAsync(Connection inner, TlsStreamAdapter adapter)
    {
        while (true)
        {
            var count = inner.TryReceive(adapter.Incoming.GetSpan(TlsRecord.HeaderLength + TlsRecord.MaxCipherLength));
            if (count < 0)
                adapter.Ended = true;
            else
                adapter.Incoming.Advance(count);
            if (count != 0)
                return;
            await WaitAsync(inner, Readiness.Readable);
        }
    }

    private static async ValueTask FlushAsync(Connection inner, ByteBuffer outgoing)
    {
        while (!outgoing.IsEmpty)
        {
            var count = inner.TrySend(outgoing.Unread);
            if (count < 0)
                throw new PeerClosedException(inner);
            outgoing.Consume(count);
            if (count == 0)
                await WaitAsync(inner, Readiness.Writable);
        }
    }

    private static async ValueTask WaitAsync(Connection inner, Readiness interest)
    {
        var signal = inner.Signal ?? throw new InvalidOperationException("The connection has no signal to wait on.");
        inner.Interest = interest;
        await signal.WaitAsync();
        if (signal.DeadlinePassed)
            throw new TimeoutException($"{inner.RemoteName} did not finish the TLS handshake in time.");
    }
}
