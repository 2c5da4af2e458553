namespace ShardProxy.Sessions.Running.Gathering;

/// <param name="Read">Index of the table's read.</param>
/// <param name="Bytes">Of the shard's rows.</param>
/// <param name="Time">That all shards' rows of the read took.</param>
public sealed record GatherMeasure(int Read, int Shard, long Bytes, TimeSpan Time);
