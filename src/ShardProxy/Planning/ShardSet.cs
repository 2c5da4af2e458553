using System.Numerics;

namespace ShardProxy.Planning;

/// <summary>The shards that a key set comes to: none, one, several, or not to be told.</summary>
/// <remarks>
/// Several shards are kept as a set of bits as long as their indexes are below <see cref="MaxTold"/>; beyond that they are
/// "several, and which is not told", which stands for all.
/// </remarks>
internal readonly record struct ShardSet
{
    /// <summary>Shards with a smaller index have a bit.</summary>
    public const int MaxTold = 64;

    private const int NoShard = -1;
    private const int SeveralShards = -2;
    private const int UnknownShards = -3;
    private const int InvalidValue = -4;

    private readonly int _value;
    private readonly ulong _several;

    private ShardSet(int value, ulong several = 0)
    {
        _value = value;
        _several = several;
    }

    public static ShardSet Empty { get; } = new(NoShard);

    public static ShardSet Several { get; } = new(SeveralShards);

    public static ShardSet Unknown { get; } = new(UnknownShards);

    /// <summary>
    /// The server will reject the one value that there is, so any shard will do for its error. Beside other values it may
    /// be read as another type than the key's, and then nothing is known.
    /// </summary>
    public static ShardSet Invalid { get; } = new(InvalidValue);

    public bool IsEmpty => _value == NoShard;

    public bool IsInvalid => _value == InvalidValue;

    public bool IsUnknown => _value == UnknownShards;

    /// <summary>The one shard; negative when there is not exactly one.</summary>
    public int One => _value;

    public static ShardSet Of(int shard) => new(shard);

    /// <summary>Whether a row in question can be on the shard.</summary>
    public bool MayContain(int shard) => _value switch
    {
        NoShard or InvalidValue => false,
        UnknownShards => true,
        SeveralShards => _several == 0 || (shard < MaxTold && (_several & (1UL << shard)) != 0),
        _ => _value == shard,
    };

    public ShardSet Union(ShardSet other)
    {
        if (IsInvalid || other.IsInvalid)
            return Unknown;
        if (IsEmpty)
            return other;
        if (other.IsEmpty || this == other)
            return this;
        if (IsUnknown || other.IsUnknown)
            return Unknown;
        var (left, right) = (Bits, other.Bits);
        return left == 0 || right == 0 ? Several : OfBits(left | right);
    }

    /// <summary>Each side holds all rows in question, so the narrower one may be taken; two different single shards have none in common.</summary>
    public ShardSet Intersect(ShardSet other)
    {
        if (IsInvalid || other.IsInvalid)
            return IsInvalid ? other : this;
        if (IsEmpty || other.IsEmpty)
            return Empty;
        if (_value >= 0)
            return other._value >= 0 ? (other._value == _value ? this : Empty) : other.MayContain(_value) ? this : Empty;
        if (other._value >= 0)
            return MayContain(other._value) ? other : Empty;
        if (IsUnknown || other.IsUnknown)
            return IsUnknown ? other : this;
        var (left, right) = (Bits, other.Bits);
        return left == 0 ? other : right == 0 ? this : OfBits(left & right);
    }

    // 0: which shards they are is not told.
    private ulong Bits => _value >= MaxTold ? 0 : _value >= 0 ? 1UL << _value : _several;

    private static ShardSet OfBits(ulong bits) => BitOperations.PopCount(bits) switch
    {
        0 => Empty,
        1 => Of(BitOperations.TrailingZeroCount(bits)),
        _ => new ShardSet(SeveralShards, bits),
    };
}
