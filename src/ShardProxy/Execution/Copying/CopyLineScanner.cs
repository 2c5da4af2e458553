namespace ShardProxy.Execution.Copying;

/// <summary>
/// What the text and CSV formats share: lines that end all alike, as the first one does, an optional header line, and
/// fields between delimiters, of which only the bounds of the key's and the zone's are kept.
/// </summary>
internal abstract class CopyLineScanner : CopyRowScanner
{
    private readonly bool _hasHeader;
    private LineEnd _style;
    private bool _headerTaken;
    private int _field;
    private int _keyStart;
    private int _keyEnd;
    private int _zoneStart;
    private int _zoneEnd;

    protected CopyLineScanner(int keyOrdinal, int zoneOrdinal, bool hasHeader)
        : base(keyOrdinal, zoneOrdinal) => _hasHeader = hasHeader;

    private enum LineEnd : byte
    {
        Unknown,
        LineFeed,
        CarriageReturn,
        Both,
    }

    /// <summary>The key's field, or the zone's, is not complete yet, so delimiters count.</summary>
    protected bool WantsDelimiters => _field <= KeyOrdinal || _field <= ZoneOrdinal;

    /// <summary>Bounds of the key's or the zone's raw bytes in the row; null when the row ends before it.</summary>
    protected (int Start, int End)? BoundsOf(bool isZone)
    {
        var (start, end) = isZone ? (_zoneStart, _zoneEnd) : (_keyStart, _keyEnd);
        return end >= 0 ? (start, end) : null;
    }

    /// <summary>The byte by which PostgreSQL counts lines inside quotes.</summary>
    protected byte CountedLineEnd => _style == LineEnd.LineFeed ? (byte)'\n' : (byte)'\r';

    protected override void BeginRow()
    {
        _field = 0;
        _keyStart = 0;
        _keyEnd = -1;
        _zoneStart = 0;
        _zoneEnd = -1;
    }

    /// <summary>A delimiter stands at <see cref="CopyRowScanner.Position"/>.</summary>
    protected void TakeDelimiter()
    {
        EndField(Position);
        Position++;
        _keyStart = _field == KeyOrdinal ? Position : _keyStart;
        _zoneStart = _field == ZoneOrdinal ? Position : _zoneStart;
    }

    /// <summary>\r or \n stands at <see cref="CopyRowScanner.Position"/>.</summary>
    protected CopyCut TakeLineEnd(ReadOnlySpan<byte> data, bool isLast, out int length)
    {
        length = 0;
        var width = 1;
        if (data[Position] == '\n')
        {
            if (_style is LineEnd.CarriageReturn or LineEnd.Both)
                return StrayNewLine();
            _style = LineEnd.LineFeed;
        }
        else if (_style == LineEnd.LineFeed)
        {
            return StrayCarriageReturn();
        }
        else if (_style != LineEnd.CarriageReturn)
        {
            if (Position + 1 == data.Length && !isLast)
                return CopyCut.Incomplete;
            if (Position + 1 < data.Length && data[Position + 1] == '\n')
                (_style, width) = (LineEnd.Both, 2);
            else if (_style == LineEnd.Both)
                return StrayCarriageReturn();
            else
                _style = LineEnd.CarriageReturn;
        }
        EndField(Position);
        length = Position + width;
        return CountLine();
    }

    /// <summary>The data ends without a line end.</summary>
    protected CopyCut TakeRest(ReadOnlySpan<byte> data, out int length)
    {
        EndField(data.Length);
        length = data.Length;
        return CountLine();
    }

    /// <summary>
    /// The row starts with \. : true when a line end of the data's style follows. Null: not enough data to tell.
    /// </summary>
    protected bool? EndMarkerIsAlone(ReadOnlySpan<byte> data, bool isLast)
    {
        var after = data[2..];
        var needed = _style == LineEnd.Both ? 2 : 1;
        if (after.Length < needed && !isLast && after.SequenceEqual("\r\n"u8[..after.Length]))
            return null;
        return _style switch
        {
            LineEnd.LineFeed => after.StartsWith("\n"u8),
            LineEnd.CarriageReturn => after.StartsWith("\r"u8),
            LineEnd.Both => after.StartsWith("\r\n"u8),
            _ => after.Length > 0 && after[0] is (byte)'\r' or (byte)'\n',
        };
    }

    /// <summary>The line at hand, which is not counted yet, is at fault.</summary>
    protected CopyCut MalformedLine(string message, string? hint = null)
    {
        Line++;
        return Malformed(message, hint);
    }

    protected abstract CopyCut StrayNewLine();

    protected abstract CopyCut StrayCarriageReturn();

    private void EndField(int end)
    {
        if (_field == KeyOrdinal)
            _keyEnd = end;
        if (_field == ZoneOrdinal)
            _zoneEnd = end;
        _field++;
    }

    private CopyCut CountLine()
    {
        Line++;
        var isHeader = _hasHeader && !_headerTaken;
        _headerTaken = true;
        return isHeader ? CopyCut.Preamble : CopyCut.Row;
    }
}
