namespace ShardProxy.Merging.Rows;

/// <summary>A row's first sort key, cut to what two rows can be told apart by in most cases.</summary>
/// <param name="Rank">0 for a null that comes first, 1 for a value, 2 for a null that comes last.</param>
internal readonly record struct KeyHead(byte Rank, ulong Prefix)
{
    public int CompareTo(in KeyHead other) => Rank != other.Rank ? Rank.CompareTo(other.Rank) : Prefix.CompareTo(other.Prefix);
}
