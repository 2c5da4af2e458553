using System.Buffers.Text;

namespace ShardProxy.Protocol.Authentication;

/// <summary>Reads the comma-separated "x=value" attributes of a SCRAM message (RFC 5802, section 5).</summary>
internal ref struct ScramAttributes(ReadOnlySpan<byte> message)
{
    private readonly ReadOnlySpan<byte> _message = message;

    /// <summary>Bytes read so far, the comma behind the last attribute included.</summary>
    public int Position { get; private set; }

    public readonly bool AtEnd => Position >= _message.Length;

    /// <summary>Reads the next attribute, which must be <paramref name="name"/>.</summary>
    public bool TryRead(byte name, out ReadOnlySpan<byte> value) => TryReadAny(out var found, out value) && found == name;

    public bool TryReadAny(out byte name, out ReadOnlySpan<byte> value)
    {
        name = 0;
        value = default;
        var rest = _message[Math.Min(Position, _message.Length)..];
        var comma = rest.IndexOf((byte)',');
        var attribute = comma < 0 ? rest : rest[..comma];
        if (attribute.Length < 2 || attribute[1] != '=' || !char.IsAsciiLetter((char)attribute[0]))
            return false;
        // A comma at the very end announces an attribute that is not there.
        if (comma >= 0 && comma == rest.Length - 1)
            return false;
        name = attribute[0];
        value = attribute[2..];
        Position += attribute.Length + 1;
        return true;
    }

    public static bool TryDecode(ReadOnlySpan<byte> base64, out byte[] bytes)
    {
        bytes = new byte[base64.Length];
        if (Base64.DecodeFromUtf8(base64, bytes, out var consumed, out var written) != System.Buffers.OperationStatus.Done || consumed != base64.Length)
            return false;
        Array.Resize(ref bytes, written);
        return true;
    }

    /// <summary>A nonce: printable ASCII without a comma, not empty.</summary>
    public static bool IsNonce(ReadOnlySpan<byte> value) =>
        !value.IsEmpty && !value.ContainsAnyExceptInRange((byte)0x21, (byte)0x7E) && !value.Contains((byte)',');
}
