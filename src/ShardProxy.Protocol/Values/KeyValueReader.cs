using System.Buffers;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// From a value in a statement, as the client wrote or sent it, to the key that equals it, handed to a sink. The sink is
/// told of nothing unless the result is <see cref="KeyHashResult.Hashed"/>. Text is in the server's encoding and taken for
/// UTF-8 where characters are counted.
/// </summary>
internal static class KeyValueReader
{
    private const int StackBytes = 256;

    /// <summary>A quoted literal without a type, or a field of a textual COPY: read as the key type's input function reads it.</summary>
    public static KeyHashResult ReadText<TSink>(in KeyTarget key, ReadOnlySpan<byte> text, ref TSink sink)
        where TSink : struct, IKeySink =>
        ReadParameter(key, TypeOid.Unknown, binary: false, text, ref sink);

    /// <summary>A number that stands in the text unquoted.</summary>
    /// <param name="negative">A minus sign stands before it.</param>
    /// <param name="castTo">A type that the text casts it to; 0 for none.</param>
    public static KeyHashResult ReadNumericLiteral<TSink>(in KeyTarget key, bool negative, ReadOnlySpan<byte> literal, uint castTo, ref TSink sink)
        where TSink : struct, IKeySink
    {
        return key.Type is TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Numeric
            ? NumberKey.ReadLiteral(key, negative, literal, castTo, ref sink)
            : KeyHashResult.Unknown;
    }

    /// <summary>A parameter, an element of an array, a field of a binary COPY, a quoted literal with a cast.</summary>
    /// <param name="type">The value's type; 0 or unknown is the key's own type.</param>
    public static KeyHashResult ReadParameter<TSink>(in KeyTarget key, uint type, bool binary, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (type is 0 or TypeOid.Unknown)
        {
            // Of the text types only char(n) is a type of its own when operators are chosen; in an assignment it is all the same.
            type = key.Type == TypeOid.Varchar ? TypeOid.Text : key.Type;
        }
        return key.Type switch
        {
            TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Numeric => NumberKey.Read(key, type, binary, value, ref sink),
            TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar => TextKey.Read(key, type, value, ref sink),
            TypeOid.Date or TypeOid.Timestamp or TypeOid.Timestamptz => TimeKey.Read(key, type, binary, value, ref sink),
            TypeOid.Uuid when type == TypeOid.Uuid => ReadUuid(binary, value, ref sink),
            TypeOid.Bool when type == TypeOid.Bool => ReadBool(binary, value, ref sink),
            TypeOid.Bytea when type == TypeOid.Bytea => ReadBytea(binary, value, ref sink),
            _ => KeyHashResult.Unknown,
        };
    }

    /// <summary>
    /// As <see cref="ReadParameter"/> for a value of one type that the statement casts to another. Casts that round or
    /// cut, and those that depend on the time zone, are Unknown.
    /// </summary>
    /// <param name="type">The value's own type; 0 or unknown where only the cast says it.</param>
    /// <param name="castTo">0 for no cast.</param>
    public static KeyHashResult ReadCast<TSink>(in KeyTarget key, uint type, uint castTo, bool binary, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (castTo == 0 || castTo == type)
            return ReadParameter(key, type, binary, value, ref sink);
        switch (type)
        {
            case 0 or TypeOid.Unknown:
                return ReadParameter(key, castTo, binary, value, ref sink);
            case TypeOid.Text or TypeOid.Varchar:
                // Text is read by the type's input function, and its two formats have the same bytes.
                return ReadParameter(key, castTo, binary: false, value, ref sink);
            case TypeOid.Bpchar when castTo is TypeOid.Text or TypeOid.Varchar:
                return ReadParameter(key, castTo, binary, value.TrimEnd((byte)' '), ref sink);
            case TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 when castTo is TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Numeric:
            case TypeOid.Date when castTo == TypeOid.Timestamp:
                // The value stays what it is, or the server rejects it.
                return ReadParameter(key, type, binary, value, ref sink);
            default:
                return KeyHashResult.Unknown;
        }
    }

    private static KeyHashResult ReadUuid<TSink>(bool binary, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        Span<byte> uuid = stackalloc byte[UuidText.Length];
        if (binary)
        {
            if (value.Length != UuidText.Length)
                return KeyHashResult.Invalid;
            sink.Uuid(value);
            return KeyHashResult.Hashed;
        }
        if (!UuidText.TryRead(value, uuid))
            return KeyHashResult.Invalid;
        sink.Uuid(uuid);
        return KeyHashResult.Hashed;
    }

    private static KeyHashResult ReadBool<TSink>(bool binary, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        bool flag;
        if (binary)
        {
            if (value.Length != 1)
                return KeyHashResult.Invalid;
            flag = value[0] != 0;
        }
        else if (!BoolText.TryRead(value, out flag))
        {
            return KeyHashResult.Invalid;
        }
        sink.Bool(flag);
        return KeyHashResult.Hashed;
    }

    private static KeyHashResult ReadBytea<TSink>(bool binary, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        if (binary)
        {
            sink.Bytea(value);
            return KeyHashResult.Hashed;
        }
        byte[]? rented = null;
        var bytes = value.Length <= StackBytes ? stackalloc byte[StackBytes] : rented = ArrayPool<byte>.Shared.Rent(value.Length);
        var sound = ByteaText.TryRead(value, bytes, out var length);
        if (sound)
            sink.Bytea(bytes[..length]);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return sound ? KeyHashResult.Hashed : KeyHashResult.Invalid;
    }
}
