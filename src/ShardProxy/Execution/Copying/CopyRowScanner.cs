using ShardProxy.Protocol.Framing;

namespace ShardProxy.Execution.Copying;

/// <summary>
/// Cuts a COPY's data into rows and finds the key in each, by the rules of PostgreSQL's own reader
/// (src/backend/commands/copyfromparse.c). A row may arrive in any number of pieces: the caller keeps what is
/// incomplete and offers it again with more behind it; bytes that were looked at are not looked at again.
/// </summary>
internal abstract class CopyRowScanner
{
    private bool _rowTaken = true;

    /// <summary>Position of the key among the columns, from 0; negative when it is not among them.</summary>
    protected int KeyOrdinal { get; }

    /// <summary>Position of the column that says the zone; negative for a table without zones.</summary>
    protected int ZoneOrdinal { get; }

    protected CopyRowScanner(int keyOrdinal, int zoneOrdinal)
    {
        KeyOrdinal = keyOrdinal;
        ZoneOrdinal = zoneOrdinal;
    }

    /// <summary>Number of the last line that was cut, from 1, as PostgreSQL counts them in its error contexts.</summary>
    public long Line { get; protected set; }

    /// <summary>Why the last cut was <see cref="CopyCut.Malformed"/>.</summary>
    public CopyProblem Problem { get; private set; }

    /// <summary>Bytes of the row that were looked at, from its start.</summary>
    protected int Position { get; set; }

    /// <param name="data">From the start of a row; after <see cref="CopyCut.Incomplete"/> the same bytes and more.</param>
    /// <param name="isLast">Nothing will follow.</param>
    /// <param name="length">Bytes of what was cut, line end included.</param>
    public CopyCut TryCut(ReadOnlySpan<byte> data, bool isLast, out int length)
    {
        if (_rowTaken)
        {
            _rowTaken = false;
            Position = 0;
            BeginRow();
        }
        var cut = Cut(data, isLast, out length);
        _rowTaken = cut != CopyCut.Incomplete;
        return cut;
    }

    /// <param name="row">What the last cut gave.</param>
    /// <param name="key">The value's text, or its binary form; in <paramref name="row"/> or in <paramref name="scratch"/>.</param>
    public CopyKeyState ReadKey(ReadOnlySpan<byte> row, ByteBuffer scratch, out ReadOnlySpan<byte> key) => Read(row, isZone: false, scratch, out key);

    /// <summary>As <see cref="ReadKey"/>, of the column that says the zone.</summary>
    public CopyKeyState ReadZone(ReadOnlySpan<byte> row, ByteBuffer scratch, out ReadOnlySpan<byte> zone) => Read(row, isZone: true, scratch, out zone);

    protected abstract CopyKeyState Read(ReadOnlySpan<byte> row, bool isZone, ByteBuffer scratch, out ReadOnlySpan<byte> value);

    protected abstract void BeginRow();

    protected abstract CopyCut Cut(ReadOnlySpan<byte> data, bool isLast, out int length);

    protected CopyCut Malformed(string message, string? hint = null)
    {
        Problem = new CopyProblem(message, hint);
        return CopyCut.Malformed;
    }
}

/// <summary>Message and hint of an error with SQLSTATE 22P04.</summary>
internal readonly record struct CopyProblem(string Message, string? Hint);
