namespace ShardProxy.Protocol.Values;

public enum NumericForm : byte
{
    Finite,
    NaN,
    PositiveInfinity,
    NegativeInfinity,
}
