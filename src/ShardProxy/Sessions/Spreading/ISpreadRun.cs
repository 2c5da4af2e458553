using ShardProxy.Merging;

namespace ShardProxy.Sessions.Spreading;

/// <summary>One statement at work on several shards.</summary>
public interface ISpreadRun
{
    /// <summary>Each shard's rows.</summary>
    IReadOnlyList<IRowSource> Rows { get; }

    /// <summary>The first shard's description of its rows; empty when it gives none.</summary>
    byte[] Description { get; }

    /// <summary>Pumps rows to the client until there are no more, or as many as asked for.</summary>
    /// <param name="maxRows">Of all rows pumped so far; 0 is no limit.</param>
    /// <returns>False when it stopped at <paramref name="maxRows"/>.</returns>
    ValueTask<bool> PumpAsync(IRowPump pump, long maxRows);

    /// <summary>Nothing more is wanted. Rows that are left are thrown away.</summary>
    ValueTask FinishAsync();

    /// <summary>It has failed: afterwards the connections that are left owe nothing.</summary>
    /// <param name="cause">A lost connection is not waited for.</param>
    ValueTask AbortAsync(Exception? cause = null);
}
