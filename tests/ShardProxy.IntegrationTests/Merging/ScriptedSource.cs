using ShardProxy.Merging;

namespace ShardProxy.IntegrationTests.Merging;

/// <summary>Rows that are there already, given as a shard would: now and then the next one is not here yet.</summary>
internal sealed class ScriptedSource(IReadOnlyList<byte[]> frames, Random random) : IRowSource
{
    private int _next = -1;
    private bool _ended;

    public int Taken => _next + 1;

    public bool Ended => _ended;

    public ReadOnlySpan<byte> Frame => frames[_next];

    public RowState TryNext()
    {
        _ended.ShouldBeFalse("a source that has ended was asked again");
        if (random.Next(4) == 0)
            return RowState.Pending;
        if (_next + 1 < frames.Count)
        {
            _next++;
            return RowState.Row;
        }
        _ended = true;
        return RowState.End;
    }
}
