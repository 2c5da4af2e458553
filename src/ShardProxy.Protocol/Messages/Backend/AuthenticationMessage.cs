using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Messages;

/// <summary>What the server wants next in a login; the values are the codes on the wire.</summary>
public enum AuthenticationKind
{
    Ok = 0,
    KerberosV5 = 2,
    CleartextPassword = 3,
    Md5Password = 5,
    Gss = 7,
    GssContinue = 8,
    Sspi = 9,
    Sasl = 10,
    SaslContinue = 11,
    SaslFinal = 12,
}

/// <summary>All Authentication… messages: they share a type byte and differ by a code.</summary>
public readonly ref struct AuthenticationMessage
{
    /// <summary>Bytes of the salt of an MD5 request.</summary>
    public const int Md5SaltLength = 4;

    private AuthenticationMessage(AuthenticationKind kind, ReadOnlySpan<byte> data)
    {
        Kind = kind;
        Data = data;
    }

    /// <summary>May be a code without a name here: a method that is not known.</summary>
    public AuthenticationKind Kind { get; }

    /// <summary>The salt, the list of mechanisms, or the mechanism's own message.</summary>
    public ReadOnlySpan<byte> Data { get; }

    /// <summary>Whether a SASL request offers <paramref name="mechanism"/>.</summary>
    public bool Offers(ReadOnlySpan<byte> mechanism)
    {
        if (Kind != AuthenticationKind.Sasl)
            return false;
        var reader = new WireReader(Data);
        while (reader.TryReadString(out var name) && !name.IsEmpty)
        {
            if (name.SequenceEqual(mechanism))
                return true;
        }
        return false;
    }

    public static bool TryRead(ReadOnlySpan<byte> body, out AuthenticationMessage message)
    {
        message = default;
        if (!BinaryPrimitives.TryReadInt32BigEndian(body, out var code))
            return false;
        message = new AuthenticationMessage((AuthenticationKind)code, body[sizeof(int)..]);
        return message.Kind switch
        {
            AuthenticationKind.Md5Password => message.Data.Length == Md5SaltLength,
            AuthenticationKind.Sasl => IsMechanismList(message.Data),
            AuthenticationKind.GssContinue or AuthenticationKind.SaslContinue or AuthenticationKind.SaslFinal => true,
            AuthenticationKind.Ok or AuthenticationKind.KerberosV5 or AuthenticationKind.CleartextPassword
                or AuthenticationKind.Gss or AuthenticationKind.Sspi => message.Data.IsEmpty,
            _ => true,
        };
    }

    public static void WriteOk(ByteBuffer to) => Write(to, AuthenticationKind.Ok, default);

    public static void WriteCleartextPassword(ByteBuffer to) => Write(to, AuthenticationKind.CleartextPassword, default);

    public static void WriteMd5Password(ByteBuffer to, ReadOnlySpan<byte> salt)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(salt.Length, Md5SaltLength, nameof(salt));
        Write(to, AuthenticationKind.Md5Password, salt);
    }

    /// <param name="mechanisms">In order of preference, not empty.</param>
    public static void WriteSasl(ByteBuffer to, params ReadOnlySpan<string> mechanisms)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.Authentication);
        frame.Int32((int)AuthenticationKind.Sasl);
        foreach (var mechanism in mechanisms)
            frame.String(mechanism);
        frame.Byte(0);
        frame.End();
    }

    public static void WriteSaslContinue(ByteBuffer to, ReadOnlySpan<byte> data) => Write(to, AuthenticationKind.SaslContinue, data);

    public static void WriteSaslFinal(ByteBuffer to, ReadOnlySpan<byte> data) => Write(to, AuthenticationKind.SaslFinal, data);

    private static void Write(ByteBuffer to, AuthenticationKind kind, ReadOnlySpan<byte> data)
    {
        var frame = FrameWriter.Begin(to, BackendMessageType.Authentication);
        frame.Int32((int)kind);
        frame.Bytes(data);
        frame.End();
    }

    private static bool IsMechanismList(ReadOnlySpan<byte> data)
    {
        var reader = new WireReader(data);
        while (reader.TryReadString(out var name))
        {
            if (name.IsEmpty)
                return reader.AtEnd;
        }
        return false;
    }
}
