using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Listening.Admin;

/// <summary>Writes results as PostgreSQL does, in the text or the binary format.</summary>
internal static class AdminRows
{
    private const string TimestampFormat = "yyyy-MM-dd HH:mm:ss.ffffff+00";
    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="formats">As Bind asks for them: none, one for all, or one a column.</param>
    public static void WriteDescription(ByteBuffer to, IReadOnlyList<AdminColumn> columns, ReadOnlySpan<short> formats)
    {
        var fields = new FieldDescription[columns.Count];
        for (var index = 0; index < fields.Length; index++)
        {
            var (type, size) = TypeOf(columns[index].Type);
            fields[index] = new FieldDescription(columns[index].Name, type, size) { Format = FormatOf(formats, index) };
        }
        RowDescriptionMessage.Write(to, fields);
    }

    public static void WriteRow(ByteBuffer to, object?[] row, ReadOnlySpan<short> formats)
    {
        var writer = DataRowMessage.Begin(to, row.Length);
        for (var index = 0; index < row.Length; index++)
        {
            if (row[index] is not { } value)
                writer.Null();
            else if (FormatOf(formats, index) == 0)
                writer.Value(Encoding.UTF8.GetBytes(Text(value)));
            else
                writer.Value(Binary(value));
        }
        writer.End();
    }

    private static short FormatOf(ReadOnlySpan<short> formats, int index) =>
        formats.Length == 0 ? (short)0 : formats.Length == 1 ? formats[0] : formats[index];

    private static (uint Oid, short Size) TypeOf(AdminType type) => type switch
    {
        AdminType.Integer => (TypeOid.Int8, (short)8),
        AdminType.Boolean => (TypeOid.Bool, (short)1),
        AdminType.Timestamp => (TypeOid.Timestamptz, (short)8),
        _ => (TypeOid.Text, (short)-1),
    };

    private static string Text(object value) => value switch
    {
        bool flag => flag ? "t" : "f",
        long number => number.ToString(CultureInfo.InvariantCulture),
        DateTimeOffset time => time.ToUniversalTime().ToString(TimestampFormat, CultureInfo.InvariantCulture),
        _ => (string)value,
    };

    private static byte[] Binary(object value)
    {
        if (value is string text)
            return Encoding.UTF8.GetBytes(text);
        if (value is bool flag)
            return [(byte)(flag ? 1 : 0)];
        var bytes = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value is DateTimeOffset time ? (time - Epoch).Ticks / TimeSpan.TicksPerMicrosecond : (long)value);
        return bytes;
    }
}
