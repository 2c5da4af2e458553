using System.Globalization;
using System.Text;

namespace ShardProxy.IntegrationTests.Values;

/// <summary>Texts of key values: the tricky ones, which must be read, and random ones, sound and broken.</summary>
internal static class KeyTexts
{
    private const string Letters = "abcXYZ019 _-\\'\"äß€";

    /// <summary>Every one of these is a value, and one that can be told without knowing the session.</summary>
    public static string[] Tricky(string type) => type switch
    {
        "int2" => ["0", "-0", "+7", " 42\t", "007", "32767", "-32768", "-1"],
        "int4" => ["0", "-0", "+7", "\n42 ", "2147483647", "-2147483648", "-1", "65536", "000000000000000000000001"],
        "int8" => ["0", "-1", "9223372036854775807", "-9223372036854775808", "4294967296", "-4294967296", "-4294967297", " +5 ", "0000000000000000000000000000012"],
        "numeric" =>
        [
            "0", "-0", "0.000", "1", "1.0", "1.0000", "-1", "10000", "100000000", "0.0001", "0.00001", "12345678.12345678", ".5", "5.", "1e10",
            "1E-10", "1.5e+3", "NaN", "nan", "Infinity", "-infinity", "inf", "+inf", "99999999999999999999999999999999999999.999", " 3.14 ",
            "1e1000", "-1e-1000", "0e500", "000123.4500", "9999", "10000.0001",
        ],
        "text" or "varchar" => ["", " ", "a", "abc ", "ä€😀", "a'b\\c", "123456789012", "1234567890123", "abcdefghijklmnopqrstuvwxyz"],
        "bpchar" => ["", " ", "a", "a  ", "abc ", "ä€😀  ", "\t ", "abcdefghijkl", "abcdefghijklm "],
        "uuid" =>
        [
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "{a0eebc99-9c0b4ef8-bb6d6bb9-bd380a11}",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11", "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11", "00000000-0000-0000-0000-000000000000",
        ],
        "bytea" => ["", "\\x", "\\xDEADbeef", "\\xde ad\nbe ef", "abc", "a\\\\b", "\\000\\377x", "\\x0102030405060708090a0b0c0d"],
        "date" =>
        [
            "2000-01-01", "1999-12-31", "0001-01-01", "0001-12-31 BC", "0044-03-15 bc", "4713-01-01 BC", "9999-12-31", "2024-02-29",
            "0001-02-29 BC", "infinity", "-Infinity", " 2024-05-06 ", "2024-05-06 10:20:30", "2024-05-06 23:00:00-05", "2024-05-06 +02", "1600-02-29",
        ],
        "timestamp" =>
        [
            "2000-01-01", "2000-01-01 00:00:00", "1999-12-31 23:59:59.999999", "2024-05-06T07:08:09", "2024-05-06 07:08", "2024-05-06 07:08:09.1",
            "2024-05-06 07:08:09.1234560", "2024-05-06 07:08:09+02", "2024-05-06 07:08:09 -05:30", "2024-05-06 07:08:09Z", "0044-03-15 10:00:00 BC",
            "infinity", "-infinity", "9999-12-31 23:59:59.999999", "2024-05-06 +02",
        ],
        "timestamptz" =>
        [
            "2000-01-01 00:00:00+00", "1999-12-31 23:59:59.999999Z", "2024-05-06T07:08:09+02", "2024-05-06 07:08-0330", "2024-05-06 07:08:09.5 +05:30:15",
            "0044-03-15 10:00:00+01 BC", "infinity", "-infinity", "2024-05-06 +02", "2024-05-06 00:00:00-15:59",
        ],
        "bool" => ["t", "f", "true", "FALSE", " yes ", "n", "on", "of", "off", "1", "0", "TR", "no", "fal"],
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    public static string Random(string type, Random random) => type switch
    {
        "int2" => Break(random, random.Next(-40_000, 40_000).ToString(CultureInfo.InvariantCulture)),
        "int4" => Break(random, ((long)(random.NextInt64() >> random.Next(28, 60)) * (random.Next(2) == 0 ? 1 : -1)).ToString(CultureInfo.InvariantCulture)),
        "int8" => Break(random, ((random.NextInt64() >> random.Next(0, 60)) * (random.Next(2) == 0 ? 1 : -1)).ToString(CultureInfo.InvariantCulture)),
        "numeric" => Break(random, Number(random)),
        "uuid" => Break(random, new Guid(Bytes(random, 16)).ToString(random.Next(3) switch { 0 => "D", 1 => "N", _ => "B" })),
        "bytea" => Break(random, random.Next(2) == 0 ? "\\x" + Convert.ToHexString(Bytes(random, random.Next(40))) : Word(random, random.Next(30))),
        "date" => Break(random, Time(random).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + (random.Next(4) == 0 ? " BC" : "")),
        "timestamp" => Break(random, Time(random).ToString(random.Next(3) switch { 0 => "yyyy-MM-dd HH:mm:ss.ffffff", 1 => "yyyy-MM-ddTHH:mm:ss", _ => "yyyy-MM-dd HH:mm:ss.fff" }, CultureInfo.InvariantCulture)),
        "timestamptz" => Break(random, Time(random).ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture) + (random.Next(4) switch { 0 => "Z", 1 => "+05", 2 => " -08:30", _ => "+1245" })),
        "bool" => Break(random, new[] { "true", "false", "yes", "no", "on", "off", "1", "0" }[random.Next(8)]),
        _ => Word(random, random.Next(40)),
    };

    // One in eight is changed in a place, mostly into something that the server rejects.
    private static string Break(Random random, string text)
    {
        if (random.Next(8) != 0 || text.Length == 0)
            return text;
        var at = random.Next(text.Length + 1);
        return random.Next(3) switch
        {
            0 => text.Remove(Math.Min(at, text.Length - 1), 1),
            1 => text.Insert(at, "0 -+.eEx_\\{}:b9T"[random.Next(16)].ToString()),
            _ => text[..at] + " " + text[at..],
        };
    }

    private static string Number(Random random)
    {
        var text = new StringBuilder(random.Next(3) == 0 ? "-" : "");
        text.Append('0', random.Next(3));
        for (var i = random.Next(1, 25); i > 0; i--)
            text.Append(random.Next(3) == 0 ? '0' : (char)('0' + random.Next(10)));
        if (random.Next(2) == 0)
        {
            text.Append('.');
            for (var i = random.Next(0, 25); i > 0; i--)
                text.Append(random.Next(3) == 0 ? '0' : (char)('0' + random.Next(10)));
        }
        if (random.Next(4) == 0)
            text.Append('e').Append(random.Next(-40, 40));
        return text.ToString();
    }

    private static string Word(Random random, int length)
    {
        var text = new StringBuilder();
        for (var i = 0; i < length; i++)
            text.Append(Letters[random.Next(Letters.Length)]);
        return text.ToString();
    }

    private static DateTime Time(Random random) => new(random.NextInt64(DateTime.MaxValue.Ticks), DateTimeKind.Unspecified);

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
