using ShardProxy.Protocol.Framing;

namespace ShardProxy.Statements;

/// <summary>Undoes doubled quotes, continuation lines and the backslash escapes of E'…' (scan.l, state xe).</summary>
internal static class StringUnescape
{
    /// <param name="text">The whole token, prefix and quotes included.</param>
    public static bool TryDecode(ReadOnlySpan<byte> text, bool backslashEscapes, ByteBuffer output)
    {
        var position = text.IndexOf((byte)'\'') + 1;
        while (true)
        {
            var next = backslashEscapes ? text[position..].IndexOfAny((byte)'\'', (byte)'\\') : text[position..].IndexOf((byte)'\'');
            output.Write(text.Slice(position, next));
            position += next + 1;
            if (text[position - 1] == '\\')
            {
                if (!TryEscape(text, ref position, output))
                    return false;
            }
            else if (position < text.Length && text[position] == '\'')
            {
                WriteByte(output, (byte)'\'');
                position++;
            }
            else if (position == text.Length)
            {
                return true;
            }
            else
            {
                position = StringScan.Continuation(text, position) + 1;
            }
        }
    }

    private static bool TryEscape(ReadOnlySpan<byte> text, ref int position, ByteBuffer output)
    {
        var escape = text[position];
        switch (escape)
        {
            case >= (byte)'0' and <= (byte)'7':
                return TryNumber(text, ref position, 8, 1, 3, output);
            case (byte)'x' when IsHexDigit(text[position + 1]):
                position++;
                return TryNumber(text, ref position, 16, 1, 2, output);
            case (byte)'u':
                position++;
                return TryNumber(text, ref position, 16, 4, 4, output, asciiOnly: true);
            case (byte)'U':
                position++;
                return TryNumber(text, ref position, 16, 8, 8, output, asciiOnly: true);
        }
        position++;
        WriteByte(output, escape switch
        {
            (byte)'b' => (byte)'\b',
            (byte)'f' => (byte)'\f',
            (byte)'n' => (byte)'\n',
            (byte)'r' => (byte)'\r',
            (byte)'t' => (byte)'\t',
            (byte)'v' => (byte)'\v',
            _ => escape,
        });
        return true;
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, ref int position, int radix, int least, int most, ByteBuffer output, bool asciiOnly = false)
    {
        var value = 0u;
        var count = 0;
        while (count < most && DigitValue(text[position]) is var digit && digit < radix)
        {
            value = (value * (uint)radix) + (uint)digit;
            position++;
            count++;
        }
        // A zero byte ends no string in PostgreSQL: it is rejected there.
        if (count < least || (byte)value == 0 || (asciiOnly && value > 0x7f))
            return false;
        WriteByte(output, (byte)value);
        return true;
    }

    private static bool IsHexDigit(byte value) => DigitValue(value) < 16;

    private static int DigitValue(byte value) => value switch
    {
        >= (byte)'0' and <= (byte)'9' => value - '0',
        >= (byte)'a' and <= (byte)'f' => value - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => value - 'A' + 10,
        _ => int.MaxValue,
    };

    private static void WriteByte(ByteBuffer output, byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }
}
