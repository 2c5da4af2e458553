using System.Security.Cryptography;
using System.Text;

namespace ShardProxy.Protocol.Authentication;

/// <summary>
/// The server's side of one SCRAM-SHA-256 exchange: <see cref="Start"/> with the client's first message, then
/// <see cref="Finish"/> with its second. On success the keys that the client has shown are in <see cref="Keys"/>; they
/// log in wherever the same verifier is stored.
/// </summary>
public sealed class ScramServerExchange
{
    private readonly ScramVerifier _verifier;
    private readonly bool _plus;
    private readonly byte[]? _channelBinding;
    private readonly string _nonce;
    private byte[] _bindingHeader = [];
    private byte[] _expectedNonce = [];
    private byte[] _authMessageStart = [];

    /// <param name="plus">The client chose SCRAM-SHA-256-PLUS.</param>
    /// <param name="channelBinding">tls-server-end-point data of this connection when the PLUS mechanism was offered; null when not.</param>
    public ScramServerExchange(ScramVerifier verifier, bool plus, byte[]? channelBinding)
        : this(verifier, plus, channelBinding, ScramCrypto.CreateNonce())
    {
    }

    internal ScramServerExchange(ScramVerifier verifier, bool plus, byte[]? channelBinding, string nonce)
    {
        if (plus && channelBinding is null)
            throw new ArgumentException("The PLUS mechanism needs channel binding data.", nameof(channelBinding));
        _verifier = verifier;
        _plus = plus;
        _channelBinding = channelBinding;
        _nonce = nonce;
    }

    /// <summary>Null until <see cref="Finish"/> succeeded.</summary>
    public ScramKeys? Keys { get; private set; }

    public ScramFailure Start(ReadOnlySpan<byte> clientFirst, out byte[] serverFirst)
    {
        serverFirst = [];
        if (!TryReadBindingHeader(clientFirst, out var headerLength, out var failure))
            return failure;
        _bindingHeader = clientFirst[..headerLength].ToArray();
        var bare = clientFirst[headerLength..];
        var attributes = new ScramAttributes(bare);
        // The name is the start-up packet's; PostgreSQL ignores this one, too. An extension ("m=") comes before the name
        // and must be understood, so it fails here.
        if (!attributes.TryRead((byte)'n', out _) || !attributes.TryRead((byte)'r', out var clientNonce) || !ScramAttributes.IsNonce(clientNonce))
            return ScramFailure.Malformed;
        _expectedNonce = [.. clientNonce, .. Encoding.ASCII.GetBytes(_nonce)];
        serverFirst = Encoding.ASCII.GetBytes(
            $"r={Encoding.ASCII.GetString(_expectedNonce)},s={Convert.ToBase64String(_verifier.Salt)},i={_verifier.Iterations}");
        _authMessageStart = [.. bare, (byte)',', .. serverFirst, (byte)','];
        return ScramFailure.None;
    }

    public ScramFailure Finish(ReadOnlySpan<byte> clientFinal, out byte[] serverFinal)
    {
        serverFinal = [];
        if (_expectedNonce.Length == 0)
            throw new InvalidOperationException("The exchange was not started.");
        var attributes = new ScramAttributes(clientFinal);
        if (!attributes.TryRead((byte)'c', out var binding) || !attributes.TryRead((byte)'r', out var nonce))
            return ScramFailure.Malformed;
        if (!TryReadProof(ref attributes, out var proof, out var proofAt))
            return ScramFailure.Malformed;
        if (!nonce.SequenceEqual(_expectedNonce))
            return ScramFailure.Malformed;
        if (!IsExpectedBinding(binding))
            return _plus ? ScramFailure.ChannelBinding : ScramFailure.Malformed;

        byte[] authMessage = [.. _authMessageStart, .. clientFinal[..(proofAt - 1)]];
        var clientKey = ScramCrypto.Xor(proof, ScramCrypto.Hmac(_verifier.StoredKey, authMessage));
        if (!CryptographicOperations.FixedTimeEquals(SHA256.HashData(clientKey), _verifier.StoredKey))
            return ScramFailure.WrongPassword;
        Keys = new ScramKeys(clientKey, _verifier.ServerKey, _verifier.Salt, _verifier.Iterations);
        serverFinal = Encoding.ASCII.GetBytes("v=" + Convert.ToBase64String(ScramCrypto.Hmac(_verifier.ServerKey, authMessage)));
        return ScramFailure.None;
    }

    // The GS2 header: "n,," no channel binding; "y,," the client could, but thinks that the server cannot; "p=type,,".
    private bool TryReadBindingHeader(ReadOnlySpan<byte> message, out int length, out ScramFailure failure)
    {
        length = 0;
        failure = ScramFailure.Malformed;
        var comma = message.IndexOf((byte)',');
        if (comma < 0)
            return false;
        var flag = message[..comma];
        if (flag.SequenceEqual("y"u8) && _channelBinding is not null)
        {
            failure = ScramFailure.ChannelBinding;
            return false;
        }
        var isPlus = flag.SequenceEqual("p=tls-server-end-point"u8);
        if (isPlus != _plus || (!isPlus && !flag.SequenceEqual("n"u8) && !flag.SequenceEqual("y"u8)))
            return false;
        // An authorization identity would stand between the commas; PostgreSQL has none.
        if (comma + 1 >= message.Length || message[comma + 1] != ',')
            return false;
        length = comma + 2;
        return true;
    }

    private static bool TryReadProof(ref ScramAttributes attributes, out byte[] proof, out int at)
    {
        proof = [];
        do
        {
            at = attributes.Position;
            if (!attributes.TryReadAny(out var name, out var value))
                return false;
            if (name == 'p')
                return attributes.AtEnd && ScramAttributes.TryDecode(value, out proof) && proof.Length == ScramCrypto.KeyLength;
        }
        while (true);
    }

    private bool IsExpectedBinding(ReadOnlySpan<byte> base64)
    {
        byte[] expected = _plus ? [.. _bindingHeader, .. _channelBinding!] : _bindingHeader;
        return ScramAttributes.TryDecode(base64, out var given) && CryptographicOperations.FixedTimeEquals(given, expected);
    }
}
