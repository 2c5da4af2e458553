using System.Buffers.Binary;
using System.Text;
using ShardProxy.Planning;

namespace ShardProxy.Tests.Execution.Copying;

/// <summary>A random table in one of COPY's formats, with the bytes of each row and its key.</summary>
internal sealed record CopySample(CopyOptions Options, int KeyOrdinal, int ColumnCount, byte[] Preamble, List<(string Key, byte[] Row)> Rows, byte[] Trailer)
{
    private static readonly string[] Pieces =
    [
        "a", "bc", "0", "42", " ", "\t", ",", ";", "|", "\"", "'", "\\", "\\.", "\\N", "\n", "\r", "\r\n", ".", "NULL", "ä", "€", "x41", "101", "\b", "\v", "\f",
    ];

    public byte[] AllBytes() => [.. Preamble, .. Rows.SelectMany(static row => row.Row), .. Trailer];

    public static CopySample Create(Random random, CopyFormat format)
    {
        var columns = random.Next(1, 5);
        var keyOrdinal = random.Next(columns);
        var options = RandomOptions(random, format);
        var lineEnd = new[] { "\n", "\r", "\r\n" }[random.Next(3)];
        var rows = new List<(string, byte[])>();
        for (var count = random.Next(30); count > 0; count--)
        {
            var values = Enumerable.Range(0, columns).Select(column => Value(random, mayBeNull: column != keyOrdinal)).ToArray();
            var row = format switch
            {
                CopyFormat.Text => Encoding.UTF8.GetBytes(string.Join((char)options.Delimiter, values.Select(value => TextField(random, options, value))) + lineEnd),
                CopyFormat.Csv => Encoding.UTF8.GetBytes(string.Join((char)options.Delimiter, values.Select(value => CsvField(random, options, value))) + lineEnd),
                _ => BinaryRow(values),
            };
            rows.Add((values[keyOrdinal]!, row));
        }
        if (format == CopyFormat.Binary)
            return new CopySample(options, keyOrdinal, columns, BinaryPrologue(random), rows, random.Next(2) == 0 ? [0xff, 0xff] : []);
        var preamble = options.Header == CopyHeader.None ? [] : Encoding.UTF8.GetBytes("a" + (char)options.Delimiter + "b" + lineEnd);
        if (rows.Count > 0 && rows[^1].Item2.Length > lineEnd.Length && random.Next(3) == 0)
            rows[^1] = (rows[^1].Item1, rows[^1].Item2[..^lineEnd.Length]);
        return new CopySample(options, keyOrdinal, columns, preamble, rows, []);
    }

    private static CopyOptions RandomOptions(Random random, CopyFormat format)
    {
        var csv = format == CopyFormat.Csv;
        var quote = csv && random.Next(3) == 0 ? (byte)'\'' : (byte)'"';
        return new CopyOptions(
            format,
            (byte)(csv ? ",;|\t" : "\t,;|")[random.Next(3)],
            NullText: random.Next(3) == 0 ? "NULL" : csv ? "" : "\\N",
            Header: random.Next(3) == 0 ? CopyHeader.Present : CopyHeader.None,
            quote,
            Escape: random.Next(3) == 0 ? (byte)'\\' : quote,
            ForceNullOnKey: false,
            ForceNotNullOnKey: random.Next(4) == 0,
            DefaultText: null,
            Encoding: null);
    }

    private static string? Value(Random random, bool mayBeNull)
    {
        if (mayBeNull && random.Next(6) == 0)
            return null;
        var value = new StringBuilder();
        for (var count = random.Next(random.Next(20) == 0 ? 200 : 6); count > 0; count--)
            value.Append(Pieces[random.Next(Pieces.Length)]);
        return value.ToString();
    }

    private static string TextField(Random random, CopyOptions options, string? value)
    {
        if (value is null)
            return options.NullText;
        var field = new StringBuilder();
        foreach (var character in value)
        {
            var named = "\b\f\n\r\t\v".IndexOf(character, StringComparison.Ordinal);
            if (named >= 0 && random.Next(2) == 0)
                field.Append('\\').Append("bfnrtv"[named]);
            else if (character < 0x80 && random.Next(10) == 0)
                field.Append(random.Next(2) == 0 ? $"\\x{(int)character:x2}" : $"\\{Convert.ToString(character, 8).PadLeft(3, '0')}");
            else if (character is '\n' or '\r' or '\\' || character == options.Delimiter)
                field.Append('\\').Append(character);
            else
                field.Append(character);
        }
        // \ before an ordinary character vanishes; so the field never reads as the null text, nor as an end marker.
        return field.ToString() == options.NullText ? "\\" + field : field.ToString();
    }

    private static string CsvField(Random random, CopyOptions options, string? value)
    {
        if (value is null)
            return options.NullText;
        var (delimiter, quote, escape) = ((char)options.Delimiter, (char)options.Quote, (char)options.Escape);
        if (!value.AsSpan().ContainsAny(['\r', '\n', delimiter, quote]) && value != options.NullText && !value.StartsWith("\\.", StringComparison.Ordinal) && random.Next(2) == 0)
            return value;
        var field = new StringBuilder();
        var plain = 0;
        if (random.Next(4) == 0)
        {
            while (plain < value.Length && char.IsAsciiLetterOrDigit(value[plain]))
                field.Append(value[plain++]);
        }
        field.Append(quote);
        foreach (var character in value.AsSpan(plain))
        {
            if (character == quote || character == escape)
                field.Append(escape);
            field.Append(character);
        }
        return field.Append(quote).ToString();
    }

    private static byte[] BinaryPrologue(Random random)
    {
        var extension = new byte[random.Next(3) * 5];
        return [.. "PGCOPY\n"u8, 0xff, .. "\r\n\0"u8, 0, 0, 0, 0, 0, 0, 0, (byte)extension.Length, .. extension];
    }

    private static byte[] BinaryRow(string?[] values)
    {
        var row = new MemoryStream();
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt16BigEndian(number, (short)values.Length);
        row.Write(number[..2]);
        foreach (var value in values)
        {
            var bytes = value is null ? [] : Encoding.UTF8.GetBytes(value);
            BinaryPrimitives.WriteInt32BigEndian(number, value is null ? -1 : bytes.Length);
            row.Write(number);
            row.Write(bytes);
        }
        return row.ToArray();
    }
}
