namespace ShardProxy.Merging.Rows;

/// <summary>Where a value stands in a DataRow message.</summary>
/// <param name="Length">-1 for null.</param>
internal readonly record struct Field(int Start, int Length)
{
    public bool IsNull => Length < 0;

    public ReadOnlySpan<byte> In(ReadOnlySpan<byte> frame) => frame.Slice(Start, Length);
}
