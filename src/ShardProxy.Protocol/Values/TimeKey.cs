using System.Buffers.Binary;

namespace ShardProxy.Protocol.Values;

/// <summary>
/// Keys of the types date, timestamp and timestamptz. Date and timestamp compare with each other; either with timestamptz
/// depends on the session's time zone.
/// </summary>
internal static class TimeKey
{
    private const long MicrosecondsPerSecond = 1_000_000;

    public static KeyHashResult Read<TSink>(in KeyTarget key, uint type, bool binary, ReadOnlySpan<byte> value, ref TSink sink)
        where TSink : struct, IKeySink
    {
        // The server may read more forms of text than are read here, but only one binary form.
        var failure = binary ? KeyHashResult.Invalid : KeyHashResult.Unknown;
        switch (type)
        {
            case TypeOid.Date:
                return TryReadDate(binary, value, out var days) ? ReadDate(key, days, ref sink) : failure;
            case TypeOid.Timestamp or TypeOid.Timestamptz:
                return TryReadTimestamp(type, binary, value, out var time) ? ReadTimestamp(key, type, time, ref sink) : failure;
            default:
                return KeyHashResult.Unknown;
        }
    }

    private static bool TryReadDate(bool binary, ReadOnlySpan<byte> value, out int days)
    {
        days = 0;
        if (binary)
            return BinaryPrimitives.TryReadInt32BigEndian(value, out days) && value.Length == sizeof(int);
        if (!TimeText.TryRead(value, out var text))
            return false;
        // A time and a zone behind the date are read and dropped.
        days = text.Infinity switch { 0 => text.Days, > 0 => int.MaxValue, _ => int.MinValue };
        return true;
    }

    private static bool TryReadTimestamp(uint type, bool binary, ReadOnlySpan<byte> value, out long time)
    {
        time = 0;
        if (binary)
            return BinaryPrimitives.TryReadInt64BigEndian(value, out time) && value.Length == sizeof(long);
        if (!TimeText.TryRead(value, out var text))
            return false;
        if (text.Infinity != 0)
        {
            time = text.Infinity > 0 ? long.MaxValue : long.MinValue;
            return true;
        }
        time = (text.Days * TimeText.MicrosecondsPerDay) + text.Microseconds;
        if (type == TypeOid.Timestamp)
            return true;
        // Without a zone it is the session's; a timestamp without time zone drops one that is written.
        time -= text.ZoneSeconds * MicrosecondsPerSecond;
        return text.HasZone;
    }

    private static KeyHashResult ReadDate<TSink>(in KeyTarget key, int days, ref TSink sink)
        where TSink : struct, IKeySink
    {
        switch (key.Type)
        {
            case TypeOid.Date:
                sink.Date(days);
                return KeyHashResult.Hashed;
            case TypeOid.Timestamp:
                if (days is int.MaxValue or int.MinValue)
                    return ReadTimestamp(key, TypeOid.Timestamp, days > 0 ? long.MaxValue : long.MinValue, ref sink);
                // Dates reach further than timestamps do.
                return Math.Abs((long)days) > long.MaxValue / TimeText.MicrosecondsPerDay
                    ? KeyHashResult.Unknown
                    : ReadTimestamp(key, TypeOid.Timestamp, days * TimeText.MicrosecondsPerDay, ref sink);
            default:
                return KeyHashResult.Unknown;
        }
    }

    private static KeyHashResult ReadTimestamp<TSink>(in KeyTarget key, uint type, long time, ref TSink sink)
        where TSink : struct, IKeySink
    {
        var isInfinite = time is long.MaxValue or long.MinValue;
        if (key.Type == type)
        {
            if (key.Use == KeyUse.Store && !isInfinite)
                time = Round(time, key.TypeModifier);
            sink.Timestamp(time);
            return KeyHashResult.Hashed;
        }
        if (key.Type != TypeOid.Date || type != TypeOid.Timestamp)
            return KeyHashResult.Unknown;
        if (isInfinite)
        {
            sink.Date(time > 0 ? int.MaxValue : int.MinValue);
            return KeyHashResult.Hashed;
        }
        var (days, rest) = Math.DivRem(time, TimeText.MicrosecondsPerDay);
        if (rest != 0 && key.Use == KeyUse.Compare)
            return KeyHashResult.NeverEqual;
        sink.Date((int)(rest < 0 ? days - 1 : days));
        return KeyHashResult.Hashed;
    }

    /// <summary>timestamp(p): half a unit goes away from zero, which is the year 2000.</summary>
    /// <param name="precision">Digits behind the second; -1 or 6 keep them all.</param>
    private static long Round(long time, int precision)
    {
        if (precision is < 0 or >= 6)
            return time;
        var unit = MicrosecondsPerSecond;
        for (var i = 0; i < precision; i++)
            unit /= 10;
        return time >= 0 ? (time + (unit / 2)) / unit * unit : -((-time + (unit / 2)) / unit * unit);
    }
}
