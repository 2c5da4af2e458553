using ShardProxy.Configuration;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Transport;
using ShardProxy.Transport.Tls;

namespace ShardProxy.Listening;

/// <summary>
/// The exchange before there are frames, for one connection: encryption is asked for at most once each way, then comes a
/// start-up or a cancel request.
/// </summary>
/// <remarks>
/// <code>
///   0x16 ──► direct TLS (ALPN must agree) ─┐
///   SSLRequest ──► S, TLS │ N ─────────────┤
///   GSSENCRequest ──► N ───────────────────┼──► StartupMessage ──► Startup
///                                          └──► CancelRequest ──► Cancel
/// </code>
/// What arrived together with an SSLRequest was not encrypted and must not be taken as if it had been (CVE-2021-23222).
/// </remarks>
internal sealed class StartupDialogue
{
    private readonly FrameChannel _channel;
    private readonly TlsMode _mode;
    private readonly TlsServerOptions? _options;
    private bool _askedForSsl;
    private bool _askedForGss;

    internal StartupDialogue(FrameChannel channel, TlsServerCredentials credentials)
    {
        _channel = channel;
        (_mode, _options) = credentials.Current;
    }

    /// <summary>Set when the connection is encrypted.</summary>
    internal TlsConnection? Tls { get; private set; }

    /// <summary>Set when the client sent a start-up that can be served.</summary>
    internal StartupRequest? Startup { get; private set; }

    /// <summary>Set when the client sent a cancel request.</summary>
    internal (int ProcessId, byte[] Key)? Cancel { get; private set; }

    /// <summary>Neither result is set when there is nobody to talk to: the connection just closes.</summary>
    /// <exception cref="ClientRefusedException">The client is told why and the connection closes.</exception>
    internal async ValueTask RunAsync()
    {
        await _channel.ReceiveAsync();
        if (_channel.Input.Unread[0] == TlsRecord.HandshakeType && !await AcceptDirectTlsAsync())
            return;
        while (Startup is null && Cancel is null)
        {
            switch (ReadPacket())
            {
                case Step.Receive:
                    await _channel.ReceiveAsync();
                    break;
                case Step.Encrypt:
                    await AnswerAsync((byte)'S');
                    await AcceptTlsAsync(default);
                    break;
                case Step.StayPlain:
                    await AnswerAsync((byte)'N');
                    break;
            }
        }
        if (Startup is not null)
            CheckEncryption();
    }

    private enum Step
    {
        Receive,
        Encrypt,
        StayPlain,
        Done,
    }

    private Step ReadPacket()
    {
        var status = StartupPacket.TryRead(_channel.Input.Unread, out var packet, out var length);
        if (status == FrameStatus.Incomplete)
            return Step.Receive;
        if (status == FrameStatus.Malformed)
            throw length == 0 ? StartupErrors.InvalidLength() : StartupErrors.InvalidLayout();
        var step = Take(packet);
        _channel.Input.Consume(length);
        if (step == Step.Encrypt && !_channel.Input.IsEmpty)
            throw StartupErrors.BufferedPlaintext();
        return step;
    }

    private Step Take(in StartupPacket packet)
    {
        switch (packet.Kind)
        {
            case StartupKind.SslRequest when !_askedForSsl && Tls is null:
                _askedForSsl = true;
                return _options is null ? Step.StayPlain : Step.Encrypt;
            case StartupKind.GssEncRequest when !_askedForGss:
                _askedForGss = true;
                return Step.StayPlain;
            case StartupKind.SslRequest:
                throw StartupErrors.UnsupportedVersion(StartupPacket.SslRequestCode);
            case StartupKind.GssEncRequest:
                throw StartupErrors.UnsupportedVersion(StartupPacket.GssEncRequestCode);
            case StartupKind.CancelRequest:
                Cancel = (packet.ProcessId, packet.CancelKey.ToArray());
                return Step.Done;
            case StartupKind.UnsupportedVersion:
                throw StartupErrors.UnsupportedVersion(packet.Version);
            default:
                Startup = StartupRequest.Read(packet.Version, packet.Parameters.ToList());
                return Step.Done;
        }
    }

    private void CheckEncryption()
    {
        if (_mode is not (TlsMode.Require or TlsMode.VerifyClient))
            return;
        if (Tls is null)
            throw StartupErrors.TlsRequired();
        if (_mode == TlsMode.VerifyClient && Tls.PeerCertificate is null)
            throw StartupErrors.CertificateRequired();
    }

    private async ValueTask<bool> AcceptDirectTlsAsync()
    {
        if (_options is null)
            return false;
        var received = _channel.Input.Unread.ToArray();
        _channel.Input.Clear();
        await AcceptTlsAsync(received);
        // Without ALPN another protocol's client could be led here by an attacker; PostgreSQL closes silently, too.
        return Tls!.AgreedOnPostgreSql;
    }

    private async ValueTask AcceptTlsAsync(ReadOnlyMemory<byte> received)
    {
        Tls = await TlsConnection.AcceptAsync(_channel.Connection, _options!, received);
        _channel.Connection = Tls;
    }

    private ValueTask AnswerAsync(byte answer)
    {
        _channel.Output.Write([answer]);
        return _channel.FlushAsync();
    }
}
