using ShardProxy.Protocol.Framing;

namespace ShardProxy.Execution.Copying;

/// <summary>Undoes the escapes of one field. The result is the field itself where there are none.</summary>
internal static class CopyFieldText
{
    /// <summary>Text format: \b \f \n \r \t \v, \ooo, \xhh; a backslash before anything else vanishes.</summary>
    public static ReadOnlySpan<byte> Unescape(ReadOnlySpan<byte> field, ByteBuffer scratch)
    {
        var next = field.IndexOf((byte)'\\');
        if (next < 0)
            return field;
        scratch.Clear();
        var output = scratch.GetSpan(field.Length);
        var length = 0;
        var position = 0;
        while (next >= 0)
        {
            field.Slice(position, next).CopyTo(output[length..]);
            length += next;
            position += next + 1;
            // A backslash at the very end of the data stands for nothing.
            if (position < field.Length)
                output[length++] = ReadEscape(field, ref position);
            next = field[position..].IndexOf((byte)'\\');
        }
        field[position..].CopyTo(output[length..]);
        scratch.Advance(length + field.Length - position);
        return scratch.Unread;
    }

    /// <summary>CSV format: quotes vanish, and inside them an escape before a quote or an escape.</summary>
    public static ReadOnlySpan<byte> Unquote(ReadOnlySpan<byte> field, byte quote, byte escape, ByteBuffer scratch)
    {
        scratch.Clear();
        var output = scratch.GetSpan(field.Length);
        var length = 0;
        var inQuote = false;
        for (var position = 0; position < field.Length; position++)
        {
            var value = field[position];
            if (inQuote && value == escape && position + 1 < field.Length && (field[position + 1] == escape || field[position + 1] == quote))
                output[length++] = field[++position];
            else if (value == quote)
                inQuote = !inQuote;
            else
                output[length++] = value;
        }
        scratch.Advance(length);
        return scratch.Unread;
    }

    private static byte ReadEscape(ReadOnlySpan<byte> field, ref int position)
    {
        var value = field[position++];
        switch (value)
        {
            case >= (byte)'0' and <= (byte)'7':
                var octal = value - '0';
                for (var count = 1; count < 3 && position < field.Length && field[position] is >= (byte)'0' and <= (byte)'7'; count++)
                    octal = (octal << 3) + field[position++] - '0';
                return (byte)octal;
            case (byte)'x' when position < field.Length && HexValue(field[position]) >= 0:
                var hex = HexValue(field[position++]);
                if (position < field.Length && HexValue(field[position]) >= 0)
                    hex = (hex << 4) + HexValue(field[position++]);
                return (byte)hex;
            case (byte)'b':
                return (byte)'\b';
            case (byte)'f':
                return (byte)'\f';
            case (byte)'n':
                return (byte)'\n';
            case (byte)'r':
                return (byte)'\r';
            case (byte)'t':
                return (byte)'\t';
            case (byte)'v':
                return (byte)'\v';
            default:
                return value;
        }
    }

    private static int HexValue(byte value) => value switch
    {
        >= (byte)'0' and <= (byte)'9' => value - '0',
        >= (byte)'a' and <= (byte)'f' => value - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => value - 'A' + 10,
        _ => -1,
    };
}
