namespace ShardProxy.Statements;

/// <summary>Where a number ends and what PostgreSQL makes of it.</summary>
internal static class NumberScan
{
    private const string LargestInt4 = "2147483647";
    private const string LargestInt8 = "9223372036854775807";

    /// <param name="start">Offset of a digit, or of a dot with a digit after it.</param>
    public static int End(ReadOnlySpan<byte> sql, int start, out LiteralKind kind)
    {
        var position = SkipDigits(sql, start);
        var fraction = false;
        if (position < sql.Length && sql[position] == '.' && !IsAt(sql, position + 1, '.'))
        {
            fraction = true;
            position = SkipDigits(sql, position + 1);
        }
        if (position < sql.Length && (sql[position] | 0x20) == 'e')
        {
            var digits = position + 1;
            if (IsAt(sql, digits, '+') || IsAt(sql, digits, '-'))
                digits++;
            if (digits < sql.Length && SqlBytes.IsDigit(sql[digits]))
            {
                fraction = true;
                position = SkipDigits(sql, digits);
            }
        }
        if (position < sql.Length && SqlBytes.IsWordStart(sql[position]))
        {
            kind = LiteralKind.OddNumber;
            return EndOfOddNumber(sql, position);
        }
        kind = fraction ? LiteralKind.Decimal : IntegerKind(sql[start..position]);
        return position;
    }

    /// <summary>
    /// A number with letters after it is an error, two tokens, or a number of another notation, by version. All that any
    /// version could take as its part is taken, so that what is written differently never gets one shape.
    /// </summary>
    private static int EndOfOddNumber(ReadOnlySpan<byte> sql, int position)
    {
        while (position < sql.Length)
        {
            var value = sql[position];
            var goesOn = SqlBytes.IsWordByte(value)
                || (value == '.' && !IsAt(sql, position + 1, '.'))
                || (value is (byte)'+' or (byte)'-' && (sql[position - 1] | 0x20) == 'e' && !IsAt(sql, position + 1, '-'));
            if (!goesOn)
                break;
            position++;
        }
        return position;
    }

    private static LiteralKind IntegerKind(ReadOnlySpan<byte> digits)
    {
        digits = digits.TrimStart((byte)'0');
        return AtMost(digits, LargestInt4) ? LiteralKind.Integer
            : AtMost(digits, LargestInt8) ? LiteralKind.BigInteger
            : LiteralKind.Decimal;
    }

    private static bool AtMost(ReadOnlySpan<byte> digits, string largest)
    {
        if (digits.Length != largest.Length)
            return digits.Length < largest.Length;
        for (var index = 0; index < digits.Length; index++)
        {
            if (digits[index] != largest[index])
                return digits[index] < largest[index];
        }
        return true;
    }

    private static int SkipDigits(ReadOnlySpan<byte> sql, int position)
    {
        while (position < sql.Length && SqlBytes.IsDigit(sql[position]))
            position++;
        return position;
    }

    private static bool IsAt(ReadOnlySpan<byte> sql, int position, char value) => position < sql.Length && sql[position] == value;
}
