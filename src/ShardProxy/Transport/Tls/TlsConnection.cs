using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Transport.Tls;

/// <summary>
/// TLS over another connection, with the same contract. Decryption happens in <see cref="TryReceive"/>, one record at a
/// time and only when a whole one has arrived, so a user that does not receive makes the peer wait; encryption happens in
/// <see cref="TrySend"/>, a few records ahead of the socket at most. An idle connection holds no buffer.
/// </summary>
/// <remarks>
/// The connection below has a signal of its own, on which a pump waits: it sends what ciphertext is left over and passes
/// readiness on. <see cref="Connection.Ready"/>'s readable bit is a guess until a try: bytes may have arrived without
/// completing a record.
/// </remarks>
public sealed class TlsConnection : Connection
{
    /// <summary>Ciphertext held at most before the socket takes some, in bytes; one record may go beyond.</summary>
    private const int MaxOutgoing = 4 * TlsRecord.MaxPlainLength;

    private readonly Connection _inner;
    private readonly TlsStreamAdapter _adapter;
    private readonly SslStream _ssl;
    private readonly TlsReader _reader;
    private readonly Lock _moving = new();
    private LoopSignal _innerSignal;
    private bool _broken;
    private bool _shutdownWhenSent;
    private bool _disposed;

    internal TlsConnection(Connection inner, SslStream ssl, TlsStreamAdapter adapter, byte[]? endPointHash)
    {
        _inner = inner;
        _ssl = ssl;
        _adapter = adapter;
        _reader = new TlsReader(ssl, adapter);
        EndPointHash = endPointHash;
        Signal = inner.Signal;
        Ready = Readiness.Readable | Readiness.Writable;
        PeerClosed = inner.PeerClosed;
        _innerSignal = new LoopSignal(inner.Loop);
        _ = PumpAsync(_innerSignal);
        inner.Signal = _innerSignal;
        // The handshake's last words may still be here; the pump sends what does not go now.
        Flush();
    }

    public override EventLoop Loop => _inner.Loop;

    public override string RemoteName => _inner.RemoteName;

    /// <summary>The tls-server-end-point channel binding (RFC 5929) of this connection, for SCRAM-SHA-256-PLUS in either role; null when the server's certificate defines none.</summary>
    public byte[]? EndPointHash { get; }

    /// <summary>The peer's certificate, verified as its options said; null when it showed none.</summary>
    public X509Certificate2? PeerCertificate => _ssl.RemoteCertificate as X509Certificate2;

    /// <summary>Both sides agreed on "postgresql" by ALPN.</summary>
    public bool AgreedOnPostgreSql => _ssl.NegotiatedApplicationProtocol == TlsProtocols.PostgreSql;

    /// <inheritdoc cref="TlsHandshake.AcceptAsync"/>
    public static ValueTask<TlsConnection> AcceptAsync(Connection inner, TlsServerOptions options, ReadOnlyMemory<byte> received = default) =>
        TlsHandshake.AcceptAsync(inner, options, received);

    /// <inheritdoc cref="TlsHandshake.ConnectAsync"/>
    public static ValueTask<TlsConnection> ConnectAsync(Connection inner, TlsClientOptions options, string host) =>
        TlsHandshake.ConnectAsync(inner, options, host);

    public override int TryReceive(Span<byte> buffer)
    {
        if ((Ready & Readiness.Readable) == 0 || buffer.IsEmpty)
            return 0;
        ObjectDisposedException.ThrowIf(_disposed, this);
        while (!_reader.HasPlain)
        {
            if (_reader.Ended)
                return -1;
            if (_adapter.HasRecord)
            {
                _reader.Decrypt();
                PeerClosed |= _reader.Ended;
                // The engine may have had to answer something.
                if (!_adapter.Outgoing.IsEmpty)
                    Flush();
            }
            else if (!ReceiveCiphertext())
            {
                Ready &= ~Readiness.Readable;
                _adapter.Incoming.Release();
                return 0;
            }
        }
        return _reader.Take(buffer);
    }

    public override int TrySend(ReadOnlySpan<byte> data)
    {
        if ((Ready & Readiness.Writable) == 0 || data.IsEmpty)
            return 0;
        ObjectDisposedException.ThrowIf(_disposed, this);
        var taken = 0;
        while (Flush() && taken < data.Length)
        {
            while (taken < data.Length && _adapter.Outgoing.Count < MaxOutgoing && !_broken)
            {
                var count = Math.Min(TlsRecord.MaxPlainLength, data.Length - taken);
                if (Encrypt(data.Slice(taken, count)))
                    taken += count;
            }
        }
        return _broken ? -1 : taken;
    }

    public override void MoveTo(EventLoop loop)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (Signal is not null)
            throw new InvalidOperationException("A connection that someone waits on cannot change its loop.");
        // The lock keeps the old loop's pump out; the old signal is forgotten together with its waiter.
        lock (_moving)
        {
            _inner.Signal = null;
            _inner.MoveTo(loop);
            _innerSignal = new LoopSignal(loop);
            _ = PumpAsync(_innerSignal);
            Interest = Readiness.None;
            Ready = Readiness.Readable | Readiness.Writable;
            _inner.Interest = _adapter.Outgoing.IsEmpty ? Readiness.Readable : Readiness.Readable | Readiness.Writable;
            _inner.Signal = _innerSignal;
        }
    }

    public override void ShutdownSend()
    {
        if (_disposed || _shutdownWhenSent)
            return;
        _shutdownWhenSent = true;
        SendCloseNotify();
        Flush();
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
            return;
        if (!_broken && !_shutdownWhenSent)
            SendCloseNotify();
        Flush();
        lock (_moving)
            _disposed = true;
        Signal = null;
        PeerClosed = true;
        _inner.Signal = null;
        _inner.Dispose();
        _reader.Abandon();
        _ssl.Dispose();
        _adapter.Incoming.Release();
        _adapter.Outgoing.Clear();
        _adapter.Outgoing.Release();
    }

    private async Task PumpAsync(LoopSignal signal)
    {
        while (true)
        {
            await signal.WaitAsync();
            lock (_moving)
            {
                if (_disposed || !ReferenceEquals(signal, _innerSignal))
                    return;
                Flush();
                PeerClosed |= _inner.PeerClosed;
                Note((_inner.Ready & Readiness.Readable) | (_broken ? Readiness.Readable | Readiness.Writable : Readiness.None));
            }
        }
    }

    private void Note(Readiness bits)
    {
        Ready |= bits;
        if ((Ready & Interest) != 0)
            Signal?.Set();
    }

    /// <summary>False when nothing has arrived. At most one incomplete record is ever waiting, so the buffer stays small.</summary>
    private bool ReceiveCiphertext()
    {
        if ((_inner.Ready & Readiness.Readable) == 0)
            return false;
        var count = _inner.TryReceive(_adapter.Incoming.GetSpan(TlsRecord.HeaderLength + TlsRecord.MaxCipherLength));
        if (count < 0)
            _adapter.Ended = true;
        else
            _adapter.Incoming.Advance(count);
        return count != 0;
    }

    private bool Encrypt(ReadOnlySpan<byte> data)
    {
        try
        {
            _ssl.Write(data);
            return true;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Break();
            return false;
        }
    }

    private void SendCloseNotify()
    {
        try
        {
            var done = _ssl.ShutdownAsync();
            _ = done.Exception;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Break();
        }
    }

    /// <summary>Sends ciphertext as far as the socket takes it: true when none is left. Keeps the writable bit and the interest below in step.</summary>
    private bool Flush()
    {
        var outgoing = _adapter.Outgoing;
        while (!outgoing.IsEmpty && !_broken)
        {
            var count = _inner.TrySend(outgoing.Unread);
            if (count < 0)
            {
                Break();
            }
            else if (count == 0)
            {
                Ready &= ~Readiness.Writable;
                _inner.Interest = Readiness.Readable | Readiness.Writable;
                return false;
            }
            else
            {
                outgoing.Consume(count);
            }
        }
        outgoing.Release();
        Ready |= Readiness.Writable;
        _inner.Interest = Readiness.Readable;
        if (_shutdownWhenSent)
            _inner.ShutdownSend();
        return !_broken;
    }

    private void Break()
    {
        _broken = true;
        PeerClosed = true;
        _adapter.Outgoing.Clear();
        Ready = Readiness.Readable | Readiness.Writable;
    }
}
