namespace ShardProxy.Protocol.Values;

/// <summary>
/// PostgreSQL's hash of a row by one partition key column: what satisfies_hash_partition(table, modulus, remainder, key)
/// divides by the modulus. For each type it is function 2 of the type's default hash operator class with the partition
/// seed, combined as compute_partition_hash_value does.
/// </summary>
public static class PartitionHash
{
    /// <summary>HASH_PARTITION_SEED of partbounds.c.</summary>
    private const ulong Seed = 0x7A5B22367996DCFD;

    /// <summary>What hash_combine64 adds to the hash of the first column.</summary>
    private const ulong CombineOffset = 0x49A0F4DD15E5A8E3;

    /// <summary>A row whose key is NULL.</summary>
    public const ulong OfNull = 0;

    /// <summary>int2, int4 and int8: equal numbers have equal hashes, so that the types can be mixed.</summary>
    public static ulong OfInteger(long value)
    {
        var low = (uint)value;
        var high = (uint)(value >> 32);
        return Combine(BytesHash.OfUInt32(low ^ (value >= 0 ? high : ~high), Seed));
    }

    /// <summary>By its bytes, which is right for the deterministic collations. Also varchar.</summary>
    public static ulong OfText(ReadOnlySpan<byte> value) => Combine(BytesHash.Of(value, Seed));

    /// <summary>char(n): trailing blanks do not count.</summary>
    public static ulong OfBpchar(ReadOnlySpan<byte> value) => OfText(value.TrimEnd((byte)' '));

    public static ulong OfBytea(ReadOnlySpan<byte> value) => Combine(BytesHash.Of(value, Seed));

    /// <param name="value">16 bytes in network order, as the uuid is written.</param>
    public static ulong OfUuid(ReadOnlySpan<byte> value) => Combine(BytesHash.Of(value, Seed));

    public static ulong OfBool(bool value) => Combine(BytesHash.OfUInt32(value ? 1u : 0u, Seed));

    /// <param name="days">Since 2000-01-01.</param>
    public static ulong OfDate(int days) => Combine(BytesHash.OfUInt32((uint)days, Seed));

    /// <summary>timestamp and timestamptz.</summary>
    /// <param name="microseconds">Since 2000-01-01 00:00:00, for timestamptz in UTC.</param>
    public static ulong OfTimestamp(long microseconds) => OfInteger(microseconds);

    /// <summary>NaN and the infinities.</summary>
    internal static ulong OfSpecialNumeric() => Combine(Seed);

    internal static ulong OfZeroNumeric() => Combine(unchecked(Seed - 1));

    /// <param name="digits">Digits to the base 10,000 as little-endian int16, without zeros at either end, not empty. The sign does not count.</param>
    /// <param name="weight">The exponent of the first digit, to the base 10,000.</param>
    internal static ulong OfNumeric(ReadOnlySpan<byte> digits, int weight) =>
        Combine(BytesHash.Of(digits, Seed) ^ (ulong)(long)weight);

    /// <summary>From a value's hash by its type's extended hash function with the partition seed, or that of a row of several (hash_record_extended).</summary>
    public static ulong OfHash(ulong hash) => Combine(hash);

    /// <summary>The inverse of <see cref="OfHash"/>.</summary>
    public static ulong HashOf(ulong rowHash) => unchecked(rowHash - CombineOffset);

    private static ulong Combine(ulong hash) => unchecked(hash + CombineOffset);
}
