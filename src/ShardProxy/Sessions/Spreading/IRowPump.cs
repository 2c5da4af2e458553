using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Sessions.Spreading;

/// <summary>Makes the client's rows of the shards', without waiting.</summary>
public interface IRowPump
{
    /// <summary>Rows written so far.</summary>
    long RowCount { get; }

    /// <param name="maxRows">Suspend when <see cref="RowCount"/> has come to this; 0 is no limit.</param>
    MergeState Pump(ByteBuffer output, int highWater, long maxRows);
}
