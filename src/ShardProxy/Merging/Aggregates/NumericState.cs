using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Aggregates;

/// <summary>A sum of numerics and how many values it is of.</summary>
internal struct NumericState
{
    /// <summary>This and a usual number of digits.</summary>
    public const int Bytes = 96;

    public long Count;
    public NumericValue Sum;

    public void Add(long count, in NumericValue sum)
    {
        Sum = Count == 0 ? sum : Sum + sum;
        Count += count;
    }
}
