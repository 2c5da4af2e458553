namespace ShardProxy.Protocol.Values;

/// <summary>
/// From a value in a statement, as the client wrote or sent it, to the hash of the rows whose key equals it. What is
/// not certain is <see cref="KeyHashResult.Unknown"/>, never a guess. Text is in the server's encoding and taken for
/// UTF-8 where characters are counted. NULL is the caller's: it equals nothing.
/// </summary>
public static class KeyHasher
{
    /// <summary>A quoted literal without a type, or a field of a textual COPY: read as the key type's input function reads it.</summary>
    public static KeyHashResult TryHashText(in KeyTarget key, ReadOnlySpan<byte> text, out ulong hash) =>
        TryHashParameter(key, TypeOid.Unknown, binary: false, text, out hash);

    /// <summary>A number that stands in the text unquoted.</summary>
    /// <param name="negative">A minus sign stands before it.</param>
    /// <param name="castTo">A type that the text casts it to; 0 for none.</param>
    public static KeyHashResult TryHashNumericLiteral(in KeyTarget key, bool negative, ReadOnlySpan<byte> literal, uint castTo, out ulong hash)
    {
        var sink = default(HashSink);
        var result = KeyValueReader.ReadNumericLiteral(key, negative, literal, castTo, ref sink);
        hash = sink.Hash;
        return result;
    }

    /// <summary>A parameter, an element of an array, a field of a binary COPY, a quoted literal with a cast.</summary>
    /// <param name="type">The value's type; 0 or unknown is the key's own type.</param>
    public static KeyHashResult TryHashParameter(in KeyTarget key, uint type, bool binary, ReadOnlySpan<byte> value, out ulong hash)
    {
        var sink = default(HashSink);
        var result = KeyValueReader.ReadParameter(key, type, binary, value, ref sink);
        hash = sink.Hash;
        return result;
    }

    /// <summary>
    /// As <see cref="TryHashParameter"/> for a value of one type that the statement casts to another. Casts that round or
    /// cut, and those that depend on the time zone, are Unknown.
    /// </summary>
    /// <param name="type">The value's own type; 0 or unknown where only the cast says it.</param>
    /// <param name="castTo">0 for no cast.</param>
    public static KeyHashResult TryHashCast(in KeyTarget key, uint type, uint castTo, bool binary, ReadOnlySpan<byte> value, out ulong hash)
    {
        var sink = default(HashSink);
        var result = KeyValueReader.ReadCast(key, type, castTo, binary, value, ref sink);
        hash = sink.Hash;
        return result;
    }
}
