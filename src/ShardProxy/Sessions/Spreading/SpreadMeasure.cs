using System.Diagnostics;
using ShardProxy.Merging;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Sessions.Spreading;

/// <summary>What an execution for EXPLAIN ANALYZE has cost, step by step. Its rows are thrown away.</summary>
public sealed class SpreadMeasure
{
    private readonly List<StepMeasure> _steps = [];

    /// <summary>The merge of the shards' rows; behind it, where there is one, the last statement over groups.</summary>
    public IReadOnlyList<StepMeasure> Steps => _steps;

    public void Note(SpreadRun run, long rows) =>
        _steps.Add(new StepMeasure(rows, Stopwatch.GetElapsedTime(run.StartedAt), run.Shards.ToDictionary(
            static shard => shard.Server.Shard,
            shard => new ShardMeasure(shard.RowCount, shard.ByteCount, shard.EndedAt == 0 ? null : Stopwatch.GetElapsedTime(run.StartedAt, shard.EndedAt)))));
}

/// <param name="Rows">That came out of the step.</param>
public sealed record StepMeasure(long Rows, TimeSpan Time, IReadOnlyDictionary<int, ShardMeasure> Shards);

/// <param name="Rows">Taken from the shard; it may have been about to send more.</param>
/// <param name="Bytes">Of those rows' messages.</param>
/// <param name="Time">To its last row; null when it was stopped before.</param>
public sealed record ShardMeasure(long Rows, long Bytes, TimeSpan? Time);

/// <summary>Rows that nobody is sent.</summary>
public sealed class DiscardedRows(IRowPump inner) : IRowPump
{
    private readonly ByteBuffer _nowhere = new();

    public long RowCount => inner.RowCount;

    public MergeState Pump(ByteBuffer output, int highWater, long maxRows)
    {
        while (true)
        {
            var state = inner.Pump(_nowhere, highWater, maxRows);
            _nowhere.Clear();
            if (state != MergeState.WantRoom)
                return state;
        }
    }
}
