using System.Globalization;
using System.Text.RegularExpressions;

namespace ShardProxy.Execution.Copying;

/// <summary>
/// The lines of a client's COPY that one shard was sent, so that "line 7" in its error can be said in the client's count.
/// About a byte for each row: lines passed over since the row before, and the row's own where they are several.
/// </summary>
/// <param name="isOrdered">Rows are sent in the client's order; otherwise a shard's line says nothing.</param>
internal sealed partial class ShardLines(bool isOrdered)
{
    /// <summary>Room for the rows of most COPYs, in bytes.</summary>
    private const int FirstCapacity = 32 * 1024;

    private readonly List<byte> _rows = new(FirstCapacity);
    private long _last;

    /// <summary>A row, or a header, that stands on the lines after <paramref name="before"/> up to <paramref name="line"/>.</summary>
    public void Add(long before, long line)
    {
        if (!isOrdered || line <= before)
            return;
        var own = line - before;
        Write(((before - _last) << 1) | (own > 1 ? 1L : 0L));
        if (own > 1)
            Write(own);
        _last = line;
    }

    /// <summary>An error's context ("COPY t, line 7, column v") with the client's line.</summary>
    public string Translate(string context) => LineNumber().Replace(
        context,
        match => isOrdered && Find(long.Parse(match.Groups["line"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)) is var line and > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{match.Groups["head"].ValueSpan}, line {line}")
            : match.Groups["head"].Value,
        count: 1);

    /// <param name="line">As the shard counts.</param>
    /// <returns>0 when the shard was not sent that many.</returns>
    private long Find(long line)
    {
        var position = 0;
        var here = 0L;
        var there = 0L;
        while (position < _rows.Count)
        {
            var mark = Read(ref position);
            var own = (mark & 1) == 0 ? 1 : Read(ref position);
            there += mark >> 1;
            if (line <= here + own)
                return there + (line - here);
            here += own;
            there += own;
        }
        return 0;
    }

    private void Write(long value)
    {
        for (; value >= 0x80; value >>= 7)
            _rows.Add((byte)(value | 0x80));
        _rows.Add((byte)value);
    }

    private long Read(ref int position)
    {
        var value = 0L;
        for (var shift = 0; ; shift += 7)
        {
            var next = _rows[position++];
            value |= (long)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
    }

    [GeneratedRegex(@"^(?<head>COPY .*?), line (?<line>\d+)", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.Singleline | RegexOptions.Multiline, 1000)]
    private static partial Regex LineNumber();
}
