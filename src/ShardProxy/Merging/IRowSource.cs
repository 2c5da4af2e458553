namespace ShardProxy.Merging;

public enum RowState
{
    /// <summary>There is a row: <see cref="IRowSource.Frame"/>.</summary>
    Row,

    /// <summary>The next row is not here yet; ask again after waiting.</summary>
    Pending,

    /// <summary>There is none left.</summary>
    End,
}

/// <summary>
/// Rows one after the other, pulled: one shard's result, or a step of a merge over others. Whoever implements it for a
/// shard reads from its connection only when asked for a row, which is all the back-pressure that a merge needs.
/// Failures (an error of the shard, a lost connection) are thrown by <see cref="TryNext"/>.
/// </summary>
public interface IRowSource
{
    /// <summary>
    /// Goes on to the next row without waiting. After <see cref="RowState.Pending"/> the row before is gone; after
    /// <see cref="RowState.End"/> it is not called again.
    /// </summary>
    RowState TryNext();

    /// <summary>The row as a whole DataRow message, header included, object ids already the home shard's; valid until the next call of <see cref="TryNext"/>.</summary>
    ReadOnlySpan<byte> Frame { get; }
}
