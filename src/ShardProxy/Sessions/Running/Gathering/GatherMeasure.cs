namespace ShardProxy.Sessions.Running.Gathering;

/// <param name="Read">Index of the table's read.</param>
/// <param name="Rows">That the shard gave.</param>
/// <param name="Bytes">Of the shard's rows; 0 for the shard that they are brought to.</param>
/// <param name="Time">That all shards' rows of the read took.</param>
public sealed record GatherMeasure(int Read, int Shard, long Rows, long Bytes, TimeSpan Time);
