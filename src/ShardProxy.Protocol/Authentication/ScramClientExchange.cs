using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace ShardProxy.Protocol.Authentication;

/// <summary>How a SCRAM client stands to channel binding.</summary>
public enum ScramBinding
{
    /// <summary>No TLS, or no use of it: "n".</summary>
    None,

    /// <summary>TLS is there, but the server did not offer the PLUS mechanism: "y", which lets it notice that somebody took it off the list.</summary>
    NotOffered,

    /// <summary>The PLUS mechanism.</summary>
    ServerEndPoint,
}

/// <summary>
/// The client's side of one SCRAM-SHA-256 exchange: <see cref="Start"/>, <see cref="Continue"/> with the server's first
/// message, <see cref="Finish"/> with its second. Logged in only when Finish says <see cref="ScramFailure.None"/>: then
/// the server has shown that it knows the verifier.
/// </summary>
public sealed class ScramClientExchange
{
    /// <summary>A server that asks for more is refused: the work is done before it has proved anything. PBKDF2 does about 4 million a second.</summary>
    public const int MaxIterations = 10_000_000;

    private readonly string? _password;
    private readonly ScramKeys? _givenKeys;
    private readonly string _bindingHeader;
    private readonly byte[] _channelBinding;
    private readonly string _nonce;
    private byte[] _serverSignature = [];

    public ScramClientExchange(string password, ScramBinding binding, byte[]? channelBinding)
        : this(password, null, binding, channelBinding, ScramCrypto.CreateNonce())
    {
    }

    /// <param name="derived">Keys of an earlier exchange with this password, taken when they fit what the server asks for; else the password is used.</param>
    public ScramClientExchange(string password, ScramKeys? derived, ScramBinding binding, byte[]? channelBinding)
        : this(password, derived, binding, channelBinding, ScramCrypto.CreateNonce())
    {
    }

    /// <param name="keys">From a client's exchange with the proxy; they fit only the verifier that they came from.</param>
    public ScramClientExchange(ScramKeys keys, ScramBinding binding, byte[]? channelBinding)
        : this(null, keys, binding, channelBinding, ScramCrypto.CreateNonce())
    {
    }

    internal ScramClientExchange(string? password, ScramKeys? keys, ScramBinding binding, byte[]? channelBinding, string nonce, string userName = "")
    {
        if (binding == ScramBinding.ServerEndPoint && channelBinding is null)
            throw new ArgumentException("The PLUS mechanism needs channel binding data.", nameof(channelBinding));
        _password = password;
        _givenKeys = keys;
        _nonce = nonce;
        _channelBinding = binding == ScramBinding.ServerEndPoint ? channelBinding! : [];
        _bindingHeader = binding switch
        {
            ScramBinding.None => "n,,",
            ScramBinding.NotOffered => "y,,",
            _ => $"p={ScramMechanisms.BindingType},,",
        };
        // PostgreSQL takes the name from the start-up packet, so that this one stays empty except in test vectors.
        ClientFirstBare = $"n={userName},r={nonce}";
    }

    /// <summary>The keys used, once <see cref="Continue"/> succeeded; with them the next login to the same verifier costs no derivation.</summary>
    public ScramKeys? Keys { get; private set; }

    private string ClientFirstBare { get; }

    public byte[] Start() => Encoding.ASCII.GetBytes(_bindingHeader + ClientFirstBare);

    public ScramFailure Continue(ReadOnlySpan<byte> serverFirst, out byte[] clientFinal)
    {
        clientFinal = [];
        var attributes = new ScramAttributes(serverFirst);
        if (!attributes.TryRead((byte)'r', out var nonce) || !attributes.TryRead((byte)'s', out var saltText) || !attributes.TryRead((byte)'i', out var count))
            return ScramFailure.Malformed;
        if (!ScramAttributes.IsNonce(nonce) || nonce.Length <= _nonce.Length || !nonce.StartsWith(Encoding.ASCII.GetBytes(_nonce)))
            return ScramFailure.Malformed;
        if (!ScramAttributes.TryDecode(saltText, out var salt) || salt.Length == 0)
            return ScramFailure.Malformed;
        if (!Utf8Parser.TryParse(count, out int iterations, out var consumed) || consumed != count.Length || iterations is <= 0 or > MaxIterations)
            return ScramFailure.Malformed;
        Keys = _givenKeys is not null && _givenKeys.Fit(salt, iterations) ? _givenKeys : null;
        if (Keys is null && _password is null)
            return ScramFailure.OtherSalt;

        Keys ??= ScramKeys.Derive(_password!, salt, iterations);
        byte[] binding = [.. Encoding.ASCII.GetBytes(_bindingHeader), .. _channelBinding];
        var withoutProof = $"c={Convert.ToBase64String(binding)},r={Encoding.ASCII.GetString(nonce)}";
        byte[] authMessage =
        [
            .. Encoding.ASCII.GetBytes(ClientFirstBare), (byte)',', .. serverFirst, (byte)',', .. Encoding.ASCII.GetBytes(withoutProof),
        ];
        var proof = ScramCrypto.Xor(Keys.ClientKey, ScramCrypto.Hmac(SHA256.HashData(Keys.ClientKey), authMessage));
        _serverSignature = ScramCrypto.Hmac(Keys.ServerKey, authMessage);
        clientFinal = Encoding.ASCII.GetBytes($"{withoutProof},p={Convert.ToBase64String(proof)}");
        return ScramFailure.None;
    }

    public ScramFailure Finish(ReadOnlySpan<byte> serverFinal)
    {
        if (_serverSignature.Length == 0)
            throw new InvalidOperationException("The server's first message was not taken.");
        var attributes = new ScramAttributes(serverFinal);
        if (!attributes.TryReadAny(out var name, out var value))
            return ScramFailure.Malformed;
        if (name == 'e')
            return ScramFailure.WrongPassword;
        if (name != 'v' || !ScramAttributes.TryDecode(value, out var signature))
            return ScramFailure.Malformed;
        return CryptographicOperations.FixedTimeEquals(signature, _serverSignature) ? ScramFailure.None : ScramFailure.WrongServer;
    }
}
