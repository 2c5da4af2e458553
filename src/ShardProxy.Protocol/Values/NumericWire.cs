namespace ShardProxy.Protocol.Values;

/// <summary>The sign field of a binary numeric (numeric.c, numeric_send) and where the fields stand.</summary>
internal static class NumericWire
{
    public const ushort Positive = 0x0000;
    public const ushort Negative = 0x4000;
    public const ushort NaN = 0xC000;
    public const ushort PositiveInfinity = 0xD000;
    public const ushort NegativeInfinity = 0xF000;

    /// <summary>Count of digits, weight, sign and scale, two bytes each.</summary>
    public const int HeaderLength = 8;

    public const int WeightOffset = 2;
    public const int SignOffset = 4;
    public const int ScaleOffset = 6;

    /// <summary>NUMERIC_WEIGHT_MAX: what goes beyond cannot be stored.</summary>
    public const int MaxWeight = short.MaxValue;
}
