namespace ShardProxy.Merging;

/// <summary>Rows of a shard that are looked at one ahead: told which of them the merge has given, and not only compared with others'.</summary>
public interface IChosenSource : IRowSource
{
    /// <summary>The row that <see cref="IRowSource.TryNext"/> went on to last is one of the merge's.</summary>
    void Choose();
}
