namespace ShardProxy.Planning;

/// <summary>The shards that a key set comes to, as far as it matters: none, one, several, or not to be told.</summary>
internal readonly record struct ShardSet
{
    private const int NoShard = -1;
    private const int SeveralShards = -2;
    private const int UnknownShards = -3;
    private const int InvalidValue = -4;

    private readonly int _value;

    private ShardSet(int value) => _value = value;

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

    public ShardSet Union(ShardSet other)
    {
        if (IsInvalid || other.IsInvalid)
            return Unknown;
        if (IsEmpty)
            return other;
        if (other.IsEmpty || _value == other._value)
            return this;
        return IsUnknown || other.IsUnknown ? Unknown : Several;
    }

    /// <summary>Each side holds all rows in question, so the narrower one may be taken; two different single shards have none in common.</summary>
    public ShardSet Intersect(ShardSet other)
    {
        if (IsInvalid || other.IsInvalid)
            return IsInvalid ? other : this;
        if (IsEmpty || other.IsEmpty)
            return Empty;
        if (_value >= 0)
            return other._value >= 0 && other._value != _value ? Empty : this;
        if (other._value >= 0)
            return other;
        return IsUnknown && other.IsUnknown ? Unknown : Several;
    }
}
