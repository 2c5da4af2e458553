using System.Globalization;
using System.Text;

namespace ShardProxy.IntegrationTests.Merging;

/// <summary>Random texts of values of a type, with the awkward ones among them; null stands for NULL.</summary>
internal static class TypeSamples
{
    /// <summary>Every type that the merge compares, by its name in SQL.</summary>
    public static readonly IReadOnlyDictionary<string, uint> Ordered = new Dictionary<string, uint>(StringComparer.Ordinal)
    {
        ["bool"] = 16,
        ["bytea"] = 17,
        ["\"char\""] = 18,
        ["name"] = 19,
        ["int8"] = 20,
        ["int2"] = 21,
        ["int4"] = 23,
        ["text"] = 25,
        ["oid"] = 26,
        ["float4"] = 700,
        ["float8"] = 701,
        ["macaddr8"] = 774,
        ["money"] = 790,
        ["macaddr"] = 829,
        ["bpchar"] = 1042,
        ["varchar"] = 1043,
        ["date"] = 1082,
        ["time"] = 1083,
        ["timestamp"] = 1114,
        ["timestamptz"] = 1184,
        ["interval"] = 1186,
        ["timetz"] = 1266,
        ["bit(12)"] = 1560,
        ["varbit"] = 1562,
        ["numeric"] = 1700,
        ["uuid"] = 2950,
        ["pg_lsn"] = 3220,
        ["xid8"] = 5069,
    };

    public static string? Next(string type, Random random)
    {
        if (random.Next(8) == 0)
            return null;
        var special = Specials(type);
        return special.Length > 0 && random.Next(4) == 0 ? special[random.Next(special.Length)] : Plain(type, random);
    }

    private static string[] Specials(string type) => type switch
    {
        "int2" => ["-32768", "32767", "0"],
        "int4" => ["-2147483648", "2147483647", "0"],
        "int8" => ["-9223372036854775808", "9223372036854775807", "0"],
        "oid" => ["0", "4294967295", "2147483648"],
        "xid8" => ["0", "18446744073709551615", "9223372036854775808"],
        "float4" or "float8" => ["NaN", "Infinity", "-Infinity", "0", "-0"],
        "numeric" => ["NaN", "Infinity", "-Infinity", "0", "0.000", "1", "1.00", "-1.0", "1e-30", "123456789012345678901234567890.5", "9999", "10000", "-10000.0001"],
        "text" or "varchar" => ["", " ", "a", "A", "ä", "z", "\u20ac", "\U0001F600", "aa", "a\n"],
        "bpchar" or "name" => ["a", "a ", "B", "ä", "\U0001F600", "a\t"],
        "bytea" => ["\\x", "\\x00", "\\xff", "\\x0000", "\\x61ff"],
        "date" => ["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "2000-01-01"],
        "timestamp" or "timestamptz" => ["infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59", "1999-12-31 23:59:59.999999"],
        "time" => ["00:00", "24:00", "23:59:59.999999"],
        "timetz" => ["00:00+15:59", "24:00-15:59", "12:00+02", "10:00+00", "11:00+01"],
        "interval" => ["0", "1 mon", "30 days", "29 days 24:00", "-1 mon", "178000000 years", "-178000000 years", "1 day", "24:00"],
        "money" => ["0", "-92233720368547758.08", "92233720368547758.07"],
        "pg_lsn" => ["0/0", "FFFFFFFF/FFFFFFFF", "80000000/0"],
        "\"char\"" => ["", "a", "\\377", "\\200"],
        _ => [],
    };

    private static string Plain(string type, Random random)
    {
        switch (type)
        {
            case "bool":
                return random.Next(2) == 0 ? "t" : "f";
            case "int2" or "int4" or "int8":
                return random.Next(-300, 300).ToString(CultureInfo.InvariantCulture);
            case "oid" or "xid8":
                return random.Next(0, 1000).ToString(CultureInfo.InvariantCulture);
            case "float4" or "float8":
                // Quarters add up exactly in any order.
                return (random.Next(-4000, 4000) / 4.0).ToString("R", CultureInfo.InvariantCulture);
            case "numeric":
                return Decimal(random);
            case "money":
                return (random.Next(-100_000, 100_000) / 100m).ToString(CultureInfo.InvariantCulture);
            case "uuid":
                var bytes = new byte[16];
                random.NextBytes(bytes);
                return new Guid(bytes).ToString();
            case "macaddr" or "macaddr8":
                var mac = new byte[type == "macaddr" ? 6 : 8];
                random.NextBytes(mac);
                return string.Join(':', mac.Select(static part => part.ToString("x2", CultureInfo.InvariantCulture)));
            case "date":
                return new DateTime(2000, 1, 1).AddDays(random.Next(-50_000, 50_000)).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            case "timestamp" or "timestamptz":
                return new DateTime(2000, 1, 1).AddMicroseconds(random.NextInt64(-4_000_000_000_000_000, 4_000_000_000_000_000)).ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture);
            case "time":
                return TimeSpan.FromMicroseconds(random.NextInt64(86_400_000_000)).ToString(@"hh\:mm\:ss\.ffffff", CultureInfo.InvariantCulture);
            case "timetz":
                return string.Create(CultureInfo.InvariantCulture, $"{random.Next(24):00}:00{(random.Next(2) == 0 ? '+' : '-')}{random.Next(14):00}");
            case "interval":
                return string.Create(CultureInfo.InvariantCulture, $"{random.Next(-3, 4)} mons {random.Next(-70, 70)} days {random.Next(-50, 50)}:00:00");
            case "bit(12)":
                return string.Concat(Enumerable.Range(0, 12).Select(_ => random.Next(2)));
            case "varbit":
                return string.Concat(Enumerable.Range(0, random.Next(14)).Select(_ => random.Next(2)));
            case "pg_lsn":
                return string.Create(CultureInfo.InvariantCulture, $"{random.Next():X}/{random.Next():X}");
            case "\"char\"":
                return ((char)random.Next('0', 'z')).ToString().Replace("\\", "x");
            case "bytea":
                var content = new byte[random.Next(12)];
                random.NextBytes(content);
                return "\\x" + Convert.ToHexString(content);
            default:
                return Word(random);
        }
    }

    private static string Decimal(Random random)
    {
        var text = new StringBuilder(random.Next(2) == 0 ? "-" : "");
        for (var i = random.Next(1, random.Next(4) == 0 ? 30 : 6); i > 0; i--)
            text.Append((char)('0' + random.Next(10)));
        var scale = random.Next(3) == 0 ? 0 : random.Next(1, random.Next(5) == 0 ? 40 : 5);
        if (scale > 0)
            text.Append('.');
        for (; scale > 0; scale--)
            text.Append((char)('0' + random.Next(10)));
        return text.ToString();
    }

    private static string Word(Random random)
    {
        const string Letters = "abcABCzäÖ \u4e00-_1";
        var text = new StringBuilder();
        for (var i = random.Next(1, 12); i > 0; i--)
            text.Append(Letters[random.Next(Letters.Length)]);
        return text.ToString();
    }
}
