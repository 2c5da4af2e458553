namespace ShardProxy.Directory.Placements;

/// <summary>
/// A rule made ready for keys of one type: finds the bucket of a key's image (see ShardProxy.Protocol.Values.KeyImage).
/// Immutable; a look-up allocates nothing.
/// </summary>
public abstract class KeyPlacement
{
    /// <summary>The bucket of a key; -1 when there is none for it.</summary>
    public abstract int Find(ReadOnlySpan<byte> image);

    /// <summary>What the table would need for a key that has no bucket, in words.</summary>
    /// <param name="key">The key as the statement has it.</param>
    public abstract string Missing(ReadOnlySpan<byte> image, string key);
}
