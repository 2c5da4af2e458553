using ShardProxy.Merging;

namespace ShardProxy.Tests.Merging;

/// <summary>A shard whose rows are known; every other time it is asked, it has none yet.</summary>
internal sealed class ListSource(IReadOnlyList<byte[]> frames) : IRowSource
{
    private int _next = -1;
    private bool _hesitates = true;

    /// <summary>Rows that were pulled.</summary>
    public int Pulled => _next + 1;

    public bool HasEnded { get; private set; }

    public ReadOnlySpan<byte> Frame => frames[_next];

    public RowState TryNext()
    {
        HasEnded.ShouldBeFalse();
        _hesitates = !_hesitates;
        if (!_hesitates)
            return RowState.Pending;
        if (_next + 1 == frames.Count)
        {
            HasEnded = true;
            return RowState.End;
        }
        _next++;
        return RowState.Row;
    }
}
