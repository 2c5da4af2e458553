namespace ShardProxy.Planning.Merging;

/// <summary>A column of the rows that a merge reads or makes.</summary>
/// <param name="Type">Object id of the type on the home shard; a domain counts as what it is based on.</param>
/// <param name="ResultColumn">
/// From 0: the value has the format that the client asked for this column of its result (Bind's format codes; text in the
/// simple protocol). -1: always binary; for what the client does not see.
/// </param>
public sealed record RowColumn(uint Type, int ResultColumn)
{
    /// <summary>A column that the client does not see.</summary>
    public static RowColumn Hidden(uint type) => new(type, -1);
}
