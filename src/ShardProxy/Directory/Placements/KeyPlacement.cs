using ShardProxy.Protocol.Framing;

namespace ShardProxy.Directory.Placements;

/// <summary>
/// A rule made ready for keys of one type: finds the bucket of a key's image (see ShardProxy.Protocol.Values.KeyImage).
/// Immutable; a look-up allocates nothing.
/// </summary>
public abstract class KeyPlacement
{
    /// <summary>There is no bucket for the key.</summary>
    public const int None = -1;

    /// <summary>The directory's store has to be asked (only of keys that are placed by look-up).</summary>
    public const int Unknown = -2;

    /// <summary>Makes a buffer ready for the image of a key.</summary>
    public virtual void Begin(ByteBuffer image) => image.Clear();

    /// <summary>The bucket of a key; <see cref="None"/> or <see cref="Unknown"/> when it has none here.</summary>
    public abstract int Find(ReadOnlySpan<byte> image);

    /// <summary>What the table would need for a key that has no bucket, in words.</summary>
    /// <param name="key">The key as the statement has it.</param>
    public abstract string Missing(ReadOnlySpan<byte> image, string key);
}
