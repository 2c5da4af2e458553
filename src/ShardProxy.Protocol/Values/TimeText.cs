namespace ShardProxy.Protocol.Values;

/// <summary>
/// Reads dates and timestamps in the ISO forms, which mean the same whatever DateStyle says:
/// <c>YYYY-MM-DD[( |T)HH:MM[:SS[.ffffff]]][ ](Z|±HH[[:]MM[[:]SS]])][ BC]</c>. Everything else that the server reads
/// (now, Jan 8, 08/01/1999) is not read here.
/// </summary>
internal ref struct TimeText
{
    public const long MicrosecondsPerDay = 86_400_000_000;

    private const long MicrosecondsPerSecond = 1_000_000;

    private ReadOnlySpan<byte> _rest;

    private TimeText(ReadOnlySpan<byte> text) => _rest = text;

    /// <summary>Since 2000-01-01, as written.</summary>
    public int Days { get; private set; }

    /// <summary>Within the day, as written.</summary>
    public long Microseconds { get; private set; }

    public bool HasZone { get; private set; }

    /// <summary>East of Greenwich.</summary>
    public int ZoneSeconds { get; private set; }

    /// <summary>-1 or 1 for the infinities, else 0.</summary>
    public int Infinity { get; private set; }

    public static bool TryRead(ReadOnlySpan<byte> text, out TimeText value)
    {
        text = InputText.Trim(text);
        value = new TimeText(text);
        if (InputText.EqualsIgnoreCase(text, "infinity"u8) || InputText.EqualsIgnoreCase(text, "-infinity"u8))
        {
            value.Infinity = text[0] == '-' ? -1 : 1;
            return true;
        }
        var beforeChrist = text.Length > 3 && InputText.EqualsIgnoreCase(text[^3..], " bc"u8);
        if (beforeChrist)
            value._rest = text[..^3];
        return value.TryReadDate(beforeChrist) && value.TryReadTimeAndZone();
    }

    private bool TryReadDate(bool beforeChrist)
    {
        if (!TryNumber(4, out var year) || !TryTake('-') || !TryNumber(2, out var month) || !TryTake('-') || !TryNumber(2, out var day))
            return false;
        if (year == 0 || month is < 1 or > 12 || day < 1)
            return false;
        if (beforeChrist)
        {
            // The calendar of PostgreSQL begins in November 4714 BC; years up to 4713 BC are wholly within.
            if (year > 4713)
                return false;
            year = 1 - year;
        }
        if (day > DaysInMonth(year, month))
            return false;
        Days = DaysSince2000(year, month, day);
        return true;
    }

    private bool TryReadTimeAndZone()
    {
        if (_rest.IsEmpty)
            return true;
        var hasTime = _rest[0] is (byte)' ' or (byte)'T' && _rest.Length > 1 && char.IsAsciiDigit((char)_rest[1]);
        if (hasTime)
        {
            _rest = _rest[1..];
            if (!TryReadTime())
                return false;
            if (_rest.IsEmpty)
                return true;
        }
        // Right behind a date a sign would be taken for its separator.
        return (TryTake(' ') || hasTime) && TryReadZone();
    }

    private bool TryReadTime()
    {
        if (!TryNumber(2, out var hour) || !TryTake(':') || !TryNumber(2, out var minute) || hour > 23 || minute > 59)
            return false;
        var second = 0;
        long fraction = 0;
        if (TryTake(':'))
        {
            if (!TryNumber(2, out second) || second > 59)
                return false;
            if (TryTake('.') && !TryReadFraction(out fraction))
                return false;
        }
        Microseconds = ((((hour * 60L) + minute) * 60) + second) * MicrosecondsPerSecond + fraction;
        return true;
    }

    // More than six digits would be rounded, unless they are zeros.
    private bool TryReadFraction(out long microseconds)
    {
        microseconds = 0;
        var digits = 0;
        for (; !_rest.IsEmpty && char.IsAsciiDigit((char)_rest[0]); _rest = _rest[1..], digits++)
        {
            if (digits < 6)
                microseconds = (microseconds * 10) + (_rest[0] - '0');
            else if (_rest[0] != '0')
                return false;
        }
        for (var i = digits; i < 6; i++)
            microseconds *= 10;
        return true;
    }

    private bool TryReadZone()
    {
        HasZone = true;
        if (_rest.IsEmpty)
            return false;
        if (_rest.SequenceEqual("Z"u8) || _rest.SequenceEqual("z"u8))
            return true;
        var sign = _rest[0] == '-' ? -1 : 1;
        if (!TryTake('+') && !TryTake('-'))
            return false;
        var minutes = 0;
        var seconds = 0;
        if (!TryNumber(2, out var hours))
            return false;
        if (!_rest.IsEmpty)
        {
            TryTake(':');
            if (!TryNumber(2, out minutes))
                return false;
        }
        if (!_rest.IsEmpty && (!TryTake(':') || !TryNumber(2, out seconds)))
            return false;
        ZoneSeconds = sign * ((((hours * 60) + minutes) * 60) + seconds);
        return _rest.IsEmpty && hours <= 15 && minutes <= 59 && seconds <= 59;
    }

    private bool TryNumber(int digits, out int value)
    {
        value = 0;
        if (_rest.Length < digits || _rest[..digits].ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            return false;
        foreach (var digit in _rest[..digits])
            value = (value * 10) + (digit - '0');
        _rest = _rest[digits..];
        return true;
    }

    private bool TryTake(char expected)
    {
        if (_rest.IsEmpty || _rest[0] != expected)
            return false;
        _rest = _rest[1..];
        return true;
    }

    private static bool IsLeap(int year) => year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    private static int DaysInMonth(int year, int month) => month switch
    {
        2 => IsLeap(year) ? 29 : 28,
        4 or 6 or 9 or 11 => 30,
        _ => 31,
    };

    // The Gregorian calendar carried on backwards; year 0 is 1 BC. Years begin in March, so that a leap day is their last.
    private static int DaysSince2000(int year, int month, int day)
    {
        const int DaysFrom0To2000 = 730_425;
        if (month <= 2)
            year--;
        var era = (year >= 0 ? year : year - 399) / 400;
        var yearOfEra = year - (era * 400);
        var dayOfYear = (((153 * (month + (month > 2 ? -3 : 9))) + 2) / 5) + day - 1;
        var dayOfEra = (yearOfEra * 365) + (yearOfEra / 4) - (yearOfEra / 100) + dayOfYear;
        return (era * 146_097) + dayOfEra - DaysFrom0To2000;
    }
}
