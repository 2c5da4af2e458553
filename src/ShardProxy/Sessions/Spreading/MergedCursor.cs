using ShardProxy.Merging;
using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Spreading;

/// <summary>
/// A cursor that SQL has declared over several shards. It goes forward only; its place is kept as PostgreSQL keeps a portal's
/// (tcop/pquery.c), so that MOVE 0, FETCH ABSOLUTE and what is behind the last row are answered alike.
/// </summary>
/// <param name="visibleCount">Columns that the client sees.</param>
/// <param name="build">Makes the merge once the formats of the rows are known.</param>
public sealed class MergedCursor(DeclarePlan plan, SpreadCursor run, int visibleCount, Func<IReadOnlyList<short>, IRowPump> build)
{
    private IRowPump? _pump;
    private short[] _formats = [];
    private long _position;
    private bool _isAtStart = true;
    private bool _isAtEnd;

    public SpreadCursor Run => run;

    /// <summary>RowDescription of its rows.</summary>
    /// <param name="formats">As in Bind.</param>
    public byte[] Describe(IReadOnlyList<short> formats) =>
        new ClientRequest(default, default, [], formats, IsDescribed: false).Describe(run.Description, visibleCount);

    /// <summary>Sends the rows, without tag.</summary>
    /// <param name="head">What stands before the rows: their description, or nothing.</param>
    /// <returns>The number that FETCH or MOVE tells.</returns>
    public async ValueTask<long> FetchAsync(FetchRequest fetch, IReadOnlyList<short> formats, byte[] head)
    {
        var rows = new StagedRows(head);
        var count = await FetchAsync(fetch, formats, rows);
        rows.Flush(run.Output);
        return count;
    }

    private async ValueTask<long> FetchAsync(FetchRequest fetch, IReadOnlyList<short> formats, StagedRows rows)
    {
        var (direction, count, isMove) = fetch;
        if (direction == FetchDirection.Backward || count < 0)
        {
            if (direction is FetchDirection.Absolute or FetchDirection.Relative || (direction == FetchDirection.Backward && count > 0) || direction == FetchDirection.Forward)
                throw CannotGoBack();
            (direction, count) = (FetchDirection.Forward, -count);
        }
        switch (direction)
        {
            case FetchDirection.Absolute when count == 0:
                if (!_isAtStart || _isAtEnd)
                    throw CannotGoBack();
                return 0;
            case FetchDirection.Absolute:
                // Where PostgreSQL would begin again, and where it goes on from the row that it stands on.
                var reached = _position + (_isAtEnd ? 1 : 0);
                if ((count - 1 <= _position / 2 && !(_isAtStart && !_isAtEnd)) || count <= reached)
                    throw CannotGoBack();
                await RunAsync(count - reached - 1, isMove: true, formats, rows);
                return await RunAsync(1, isMove, formats, rows);
            case FetchDirection.Relative when count > 0:
                await RunAsync(count - 1, isMove: true, formats, rows);
                return await RunAsync(1, isMove, formats, rows);
        }
        if (count > 0)
            return await RunAsync(count, isMove, formats, rows);
        var isOnRow = !_isAtStart && !_isAtEnd;
        if (!isOnRow || isMove)
            return isOnRow ? 1 : 0;
        throw CannotGoBack();
    }

    private async ValueTask<long> RunAsync(long count, bool isMove, IReadOnlyList<short> formats, StagedRows staged)
    {
        if (count <= 0 || _isAtEnd)
            return 0;
        var pump = Pump(formats);
        run.Expect(count, _formats);
        var before = pump.RowCount;
        var last = count == FetchRequest.All ? 0 : before + count;
        try
        {
            await run.PumpAsync(isMove ? new DiscardedRows(pump) : staged.Of(pump), last);
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await run.AbortAsync(exception);
            throw;
        }
        var moved = pump.RowCount - before;
        _position += moved;
        _isAtStart &= moved == 0;
        _isAtEnd = moved < count;
        return moved;
    }

    // Rows that are here already are in the formats that the first FETCH asked for.
    private IRowPump Pump(IReadOnlyList<short> formats)
    {
        var wanted = new short[ShardDescription.TypesOf(run.Description).Length];
        for (var column = 0; column < wanted.Length; column++)
            wanted[column] = column < visibleCount ? FormatOf(formats, column) : (short)1;
        if (_pump is null)
        {
            _formats = wanted;
            return _pump = build(formats);
        }
        if (_formats.AsSpan().SequenceEqual(wanted))
            return _pump;
        throw new SqlErrorException(
            SqlStates.FeatureNotSupported, $"the rows of cursor \"{plan.Name}\" over several shards have one format, that of its first FETCH", "Fetch all of them as text or all in binary.");
    }

    private static short FormatOf(IReadOnlyList<short> formats, int column) => formats.Count switch
    {
        0 => 0,
        1 => formats[0],
        _ => column < formats.Count ? formats[column] : (short)0,
    };

    private SqlErrorException CannotGoBack() => plan.IsForwardOnly
        ? new SqlErrorException(new ServerError(SqlStates.ObjectNotInPrerequisiteState, "cursor can only scan forward") { Hint = "Declare it with SCROLL option to enable backward scan." })
        : new SqlErrorException(
            SqlStates.FeatureNotSupported, $"cursor \"{plan.Name}\" over several shards goes forward only", "Declare it with SCROLL option to enable backward scan.");
}
