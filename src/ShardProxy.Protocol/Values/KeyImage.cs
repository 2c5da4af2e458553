using ShardProxy.Protocol.Framing;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// From a value in a statement, as the client wrote or sent it, to the image of the keys that equal it: bytes that
/// are equal where keys are equal, and that compare byte by byte as the keys do (text as in the "C" collation). For
/// strategies that need the value itself. The results are those of <see cref="KeyHasher"/>; the image is appended only
/// when the result is <see cref="KeyHashResult.Hashed"/>.
/// </summary>
public static class KeyImage
{
    /// <summary>A quoted literal without a type, or a field of a textual COPY: read as the key type's input function reads it.</summary>
    public static KeyHashResult TryReadText(in KeyTarget key, ReadOnlySpan<byte> text, ByteBuffer image) =>
        TryReadParameter(key, TypeOid.Unknown, binary: false, text, image);

    /// <summary>A number that stands in the text unquoted.</summary>
    /// <param name="negative">A minus sign stands before it.</param>
    /// <param name="castTo">A type that the text casts it to; 0 for none.</param>
    public static KeyHashResult TryReadNumericLiteral(in KeyTarget key, bool negative, ReadOnlySpan<byte> literal, uint castTo, ByteBuffer image)
    {
        var sink = new ImageSink(image);
        return KeyValueReader.ReadNumericLiteral(key, negative, literal, castTo, ref sink);
    }

    /// <summary>A parameter, an element of an array, a field of a binary COPY, a quoted literal with a cast.</summary>
    /// <param name="type">The value's type; 0 or unknown is the key's own type.</param>
    public static KeyHashResult TryReadParameter(in KeyTarget key, uint type, bool binary, ReadOnlySpan<byte> value, ByteBuffer image)
    {
        var sink = new ImageSink(image);
        return KeyValueReader.ReadParameter(key, type, binary, value, ref sink);
    }

    /// <summary>
    /// As <see cref="TryReadParameter"/> for a value of one type that the statement casts to another. Casts that round or
    /// cut, and those that depend on the time zone, are Unknown.
    /// </summary>
    /// <param name="type">The value's own type; 0 or unknown where only the cast says it.</param>
    /// <param name="castTo">0 for no cast.</param>
    public static KeyHashResult TryReadCast(in KeyTarget key, uint type, uint castTo, bool binary, ReadOnlySpan<byte> value, ByteBuffer image)
    {
        var sink = new ImageSink(image);
        return KeyValueReader.ReadCast(key, type, castTo, binary, value, ref sink);
    }
}
