namespace ShardProxy.Merging.Steps;

/// <summary>The rows of all sources, from whichever has some.</summary>
internal sealed class Concatenation : IRowSource
{
    private readonly IRowSource[] _open;
    private int _count;
    private int _current;

    public Concatenation(IReadOnlyList<IRowSource> sources)
    {
        _open = [.. sources];
        _count = _open.Length;
    }

    public ReadOnlySpan<byte> Frame => _open[_current].Frame;

    public RowState TryNext()
    {
        // A source is stayed with while it has rows; each of the others is asked once before the caller has to wait.
        for (var asked = 0; asked < _count;)
        {
            switch (_open[_current].TryNext())
            {
                case RowState.Row:
                    (_open[_current] as IChosenSource)?.Choose();
                    return RowState.Row;
                case RowState.Pending:
                    asked++;
                    _current = (_current + 1) % _count;
                    break;
                default:
                    _open[_current] = _open[--_count];
                    _current = _current < _count ? _current : 0;
                    asked = 0;
                    break;
            }
        }
        return _count == 0 ? RowState.End : RowState.Pending;
    }
}
