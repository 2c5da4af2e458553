using System.Buffers;
using System.Text;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Execution.Copying;

/// <summary>COPY's text format: a backslash makes the byte after it data, line ends and delimiters included.</summary>
internal sealed class TextRowScanner : CopyLineScanner
{
    private readonly byte _delimiter;
    private readonly byte[] _nullText;
    private readonly byte[]? _defaultText;
    private readonly SearchValues<byte> _untilKey;
    private readonly SearchValues<byte> _afterKey = SearchValues.Create("\\\r\n"u8);

    public TextRowScanner(CopyOptions options, int keyOrdinal, int zoneOrdinal = -1)
        : base(keyOrdinal, zoneOrdinal, options.Header != CopyHeader.None)
    {
        _delimiter = options.Delimiter;
        _nullText = Encoding.UTF8.GetBytes(options.NullText);
        _defaultText = options.DefaultText is { } text ? Encoding.UTF8.GetBytes(text) : null;
        _untilKey = SearchValues.Create([(byte)'\\', (byte)'\r', (byte)'\n', options.Delimiter]);
    }

    /// <remarks>The null and default texts are compared before escapes are undone.</remarks>
    protected override CopyKeyState Read(ReadOnlySpan<byte> row, bool isZone, ByteBuffer scratch, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (BoundsOf(isZone) is not var (start, end))
            return CopyKeyState.Missing;
        var raw = row[start..end];
        if (raw.SequenceEqual(_nullText))
            return CopyKeyState.Null;
        if (_defaultText is not null && raw.SequenceEqual(_defaultText))
            return CopyKeyState.Default;
        value = CopyFieldText.Unescape(raw, scratch);
        return CopyKeyState.Value;
    }

    protected override CopyCut Cut(ReadOnlySpan<byte> data, bool isLast, out int length)
    {
        length = 0;
        while (true)
        {
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
            if (found == _delimiter)
            {
                TakeDelimiter();
            }
            else if (Position + 1 == data.Length)
            {
                if (!isLast)
                    return CopyCut.Incomplete;
                Position++;
            }
            else if (data[Position + 1] == '.')
            {
                return EndMarker(data, isLast, out length);
            }
            else
            {
                Position += 2;
            }
        }
    }

    protected override CopyCut StrayNewLine() =>
        MalformedLine("literal newline found in data", "Use \"\\n\" to represent newline.");

    protected override CopyCut StrayCarriageReturn() =>
        MalformedLine("literal carriage return found in data", "Use \"\\r\" to represent carriage return.");

    /// <remarks>Before PostgreSQL 18 the marker could also stand behind a last row; from 18 on it is an error, as here for all.</remarks>
    private CopyCut EndMarker(ReadOnlySpan<byte> data, bool isLast, out int length)
    {
        length = 0;
        if (Position > 0)
            return MalformedLine("end-of-copy marker is not alone on its line");
        switch (EndMarkerIsAlone(data, isLast))
        {
            case null:
                return CopyCut.Incomplete;
            case true:
                length = data.Length;
                return CopyCut.EndMarker;
            default:
                return MalformedLine("end-of-copy marker corrupt");
        }
    }
}
