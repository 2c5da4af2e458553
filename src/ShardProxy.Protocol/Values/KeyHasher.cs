using System.Buffers;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// From a value in a statement, as the client wrote or sent it, to the hash of the rows whose key equals it. What is
/// not certain is <see cref="KeyHashResult.Unknown"/>, never a guess. Text is in the server's encoding and taken for
/// UTF-8 where characters are counted. NULL is the caller's: it equals nothing.
/// </summary>
public static class KeyHasher
{
    private const int StackBytes = 256;

    /// <summary>A quoted literal without a type, or a field of a textual COPY: read as the key type's input function reads it.</summary>
    public static KeyHashResult TryHashText(in KeyTarget key, ReadOnlySpan<byte> text, out ulong hash) =>
        TryHashParameter(key, TypeOid.Unknown, binary: false, text, out hash);

    /// <summary>A number that stands in the text unquoted.</summary>
    /// <param name="negative">A minus sign stands before it.</param>
    /// <param name="castTo">A type that the text casts it to; 0 for none.</param>
    public static KeyHashResult TryHashNumericLiteral(in KeyTarget key, bool negative, ReadOnlySpan<byte> literal, uint castTo, out ulong hash)
    {
        hash = 0;
        return key.Type is TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Numeric
            ? NumberKey.HashLiteral(key, negative, literal, castTo, out hash)
            : KeyHashResult.Unknown;
    }

    /// <summary>A parameter, an element of an array, a field of a binary COPY, a quoted literal with a cast.</summary>
    /// <param name="type">The value's type; 0 or unknown is the key's own type.</param>
    public static KeyHashResult TryHashParameter(in KeyTarget key, uint type, bool binary, ReadOnlySpan<byte> value, out ulong hash)
    {
        hash = 0;
        if (type is 0 or TypeOid.Unknown)
        {
            // Of the text types only char(n) is a type of its own when operators are chosen; in an assignment it is all the same.
            type = key.Type == TypeOid.Varchar ? TypeOid.Text : key.Type;
        }
        return key.Type switch
        {
            TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Numeric => NumberKey.Hash(key, type, binary, value, out hash),
            TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar => TextKey.Hash(key, type, value, out hash),
            TypeOid.Date or TypeOid.Timestamp or TypeOid.Timestamptz => TimeKey.Hash(key, type, binary, value, out hash),
            TypeOid.Uuid when type == TypeOid.Uuid => HashUuid(binary, value, out hash),
            TypeOid.Bool when type == TypeOid.Bool => HashBool(binary, value, out hash),
            TypeOid.Bytea when type == TypeOid.Bytea => HashBytea(binary, value, out hash),
            _ => KeyHashResult.Unknown,
        };
    }

    /// <summary>
    /// As <see cref="TryHashParameter"/> for a value of one type that the statement casts to another. Casts that round or
    /// cut, and those that depend on the time zone, are Unknown.
    /// </summary>
    /// <param name="type">The value's own type; 0 or unknown where only the cast says it.</param>
    /// <param name="castTo">0 for no cast.</param>
    public static KeyHashResult TryHashCast(in KeyTarget key, uint type, uint castTo, bool binary, ReadOnlySpan<byte> value, out ulong hash)
    {
        if (castTo == 0 || castTo == type)
            return TryHashParameter(key, type, binary, value, out hash);
        switch (type)
        {
            case 0 or TypeOid.Unknown:
                return TryHashParameter(key, castTo, binary, value, out hash);
            case TypeOid.Text or TypeOid.Varchar:
                // Text is read by the type's input function, and its two formats have the same bytes.
                return TryHashParameter(key, castTo, binary: false, value, out hash);
            case TypeOid.Bpchar when castTo is TypeOid.Text or TypeOid.Varchar:
                return TryHashParameter(key, castTo, binary, value.TrimEnd((byte)' '), out hash);
            case TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 when castTo is TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Numeric:
            case TypeOid.Date when castTo == TypeOid.Timestamp:
                // The value stays what it is, or the server rejects it.
                return TryHashParameter(key, type, binary, value, out hash);
            default:
                hash = 0;
                return KeyHashResult.Unknown;
        }
    }

    private static KeyHashResult HashUuid(bool binary, ReadOnlySpan<byte> value, out ulong hash)
    {
        hash = 0;
        Span<byte> uuid = stackalloc byte[UuidText.Length];
        if (binary)
        {
            if (value.Length != UuidText.Length)
                return KeyHashResult.Invalid;
            hash = PartitionHash.OfUuid(value);
            return KeyHashResult.Hashed;
        }
        if (!UuidText.TryRead(value, uuid))
            return KeyHashResult.Invalid;
        hash = PartitionHash.OfUuid(uuid);
        return KeyHashResult.Hashed;
    }

    private static KeyHashResult HashBool(bool binary, ReadOnlySpan<byte> value, out ulong hash)
    {
        hash = 0;
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
        hash = PartitionHash.OfBool(flag);
        return KeyHashResult.Hashed;
    }

    private static KeyHashResult HashBytea(bool binary, ReadOnlySpan<byte> value, out ulong hash)
    {
        hash = 0;
        if (binary)
        {
            hash = PartitionHash.OfBytea(value);
            return KeyHashResult.Hashed;
        }
        byte[]? rented = null;
        var bytes = value.Length <= StackBytes ? stackalloc byte[StackBytes] : rented = ArrayPool<byte>.Shared.Rent(value.Length);
        var sound = ByteaText.TryRead(value, bytes, out var length);
        if (sound)
            hash = PartitionHash.OfBytea(bytes[..length]);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return sound ? KeyHashResult.Hashed : KeyHashResult.Invalid;
    }
}
