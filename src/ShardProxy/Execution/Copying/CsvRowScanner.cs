using System.Buffers;
using System.Text;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Execution.Copying;

/// <summary>COPY's CSV format: inside quotes, line ends and delimiters are data. A quote may open anywhere in a field.</summary>
internal sealed class CsvRowScanner : CopyLineScanner
{
    private readonly byte _delimiter;
    private readonly byte _quote;
    private readonly byte _escape;
    private readonly byte[] _nullText;
    private readonly byte[]? _defaultText;
    private readonly CopyOptions _options;
    private readonly bool _hasEndMarker;
    private readonly SearchValues<byte> _untilKey;
    private readonly SearchValues<byte> _afterKey;
    private bool _inQuote;

    /// <param name="hasEndMarker">The server reads \. alone on a line as the end, as it did before PostgreSQL 18.</param>
    public CsvRowScanner(CopyOptions options, int keyOrdinal, bool hasEndMarker, int zoneOrdinal = -1)
        : base(keyOrdinal, zoneOrdinal, options.Header != CopyHeader.None)
    {
        _delimiter = options.Delimiter;
        _quote = options.Quote;
        _escape = options.Escape;
        _nullText = Encoding.UTF8.GetBytes(options.NullText);
        _defaultText = options.DefaultText is { } text ? Encoding.UTF8.GetBytes(text) : null;
        _options = options;
        _hasEndMarker = hasEndMarker;
        _untilKey = SearchValues.Create([options.Quote, (byte)'\r', (byte)'\n', options.Delimiter]);
        _afterKey = SearchValues.Create([options.Quote, (byte)'\r', (byte)'\n']);
    }

    /// <remarks>A quoted field is never the null or the default text, unless FORCE_NULL says so.</remarks>
    protected override CopyKeyState Read(ReadOnlySpan<byte> row, bool isZone, ByteBuffer scratch, out ReadOnlySpan<byte> value)
    {
        value = default;
        var (forceNull, forceNotNull) = isZone ? (_options.ForceNullOnZone, _options.ForceNotNullOnZone) : (_options.ForceNullOnKey, _options.ForceNotNullOnKey);
        if (BoundsOf(isZone) is not var (start, end))
            return CopyKeyState.Missing;
        var raw = row[start..end];
        if (raw.Contains(_quote))
        {
            value = CopyFieldText.Unquote(raw, _quote, _escape, scratch);
            return forceNull && value.SequenceEqual(_nullText) ? CopyKeyState.Null : CopyKeyState.Value;
        }
        value = raw;
        if (raw.SequenceEqual(_nullText))
            return forceNotNull ? CopyKeyState.Value : CopyKeyState.Null;
        return _defaultText is not null && raw.SequenceEqual(_defaultText) ? CopyKeyState.Default : CopyKeyState.Value;
    }

    protected override void BeginRow()
    {
        base.BeginRow();
        _inQuote = false;
    }

    protected override CopyCut Cut(ReadOnlySpan<byte> data, bool isLast, out int length)
    {
        length = 0;
        if (_hasEndMarker && Position == 0 && LooksLikeEndMarker(data, isLast) is { } atStart)
        {
            length = atStart == CopyCut.EndMarker ? data.Length : 0;
            return atStart;
        }
        while (true)
        {
            if (_inQuote && !SkipQuoted(data, isLast))
                return isLast ? MalformedLine("unterminated CSV quoted field") : CopyCut.Incomplete;
            var next = data[Position..].IndexOfAny(WantsDelimiters ? _untilKey : _afterKey);
            if (next < 0)
            {
                Position = data.Length;
                return isLast ? TakeRest(data, out length) : CopyCut.Incomplete;
            }
            Position += next;
            var found = data[Position];
            if (found is (byte)'\r' or (byte)'\n')
                return TakeLineEnd(data, isLast, out length);
            if (found == _quote)
            {
                _inQuote = true;
                Position++;
            }
            else
            {
                TakeDelimiter();
            }
        }
    }

    protected override CopyCut StrayNewLine() =>
        MalformedLine("unquoted newline found in data", "Use quoted CSV field to represent newline.");

    protected override CopyCut StrayCarriageReturn() =>
        MalformedLine("unquoted carriage return found in data", "Use quoted CSV field to represent carriage return.");

    /// <summary>Goes behind the closing quote; false when the data ends first.</summary>
    private bool SkipQuoted(ReadOnlySpan<byte> data, bool isLast)
    {
        while (true)
        {
            var rest = data[Position..];
            var next = rest.IndexOfAny(_quote, _escape);
            var skipped = next < 0 ? rest.Length : next;
            Line += rest[..skipped].Count(CountedLineEnd);
            Position += skipped;
            if (next < 0)
                return false;
            // Where quote and escape are one character, two in a row close and open again: the same to a row's bounds.
            if (data[Position] == _escape && _escape != _quote)
            {
                if (Position + 1 == data.Length && !isLast)
                    return false;
                var escapes = Position + 1 < data.Length && (data[Position + 1] == _quote || data[Position + 1] == _escape);
                Position += escapes ? 2 : 1;
            }
            else
            {
                _inQuote = false;
                Position++;
                return true;
            }
        }
    }

    /// <summary>Null: the row starts with other data.</summary>
    private CopyCut? LooksLikeEndMarker(ReadOnlySpan<byte> data, bool isLast)
    {
        if (data.Length < 2)
            return !isLast && "\\."u8.StartsWith(data) ? CopyCut.Incomplete : null;
        if (!data.StartsWith("\\."u8))
            return null;
        return EndMarkerIsAlone(data, isLast) switch
        {
            null => CopyCut.Incomplete,
            true => CopyCut.EndMarker,
            false => null,
        };
    }
}
