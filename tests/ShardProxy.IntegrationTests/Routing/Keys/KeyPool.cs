namespace ShardProxy.IntegrationTests.Routing.Keys;

/// <summary>A key type with values of it, its extremes among them, and where ranges and lists part them.</summary>
/// <param name="Values">As a text parameter has them. Some are spellings of one value.</param>
/// <param name="Boundaries">Two values, in order.</param>
public sealed record KeyPool(string Name, string Type, uint Oid, string[] Values, string[] Boundaries)
{
    public static IReadOnlyList<KeyPool> All { get; } =
    [
        new("int2", "int2", 21, ["0", "1", "-1", "7", "42", "100", "32767", "-32768", "255"], ["0", "100"]),
        new("int4", "int4", 23, ["0", "1", "-1", "7", "42", "100", "32768", "2147483647", "-2147483648", "65536"], ["1", "42"]),
        new("int8", "int8", 20, ["0", "1", "-1", "7", "42", "2147483648", "-2147483649", "9223372036854775807", "-9223372036854775808", "4294967296"], ["-1", "2147483648"]),
        new("numeric", "numeric", 1700, ["0", "-0.0", "1", "1.50", "1.5", "-0.001", "1e30", "NaN", "Infinity", "-Infinity", "12345678901234567890.123456789", "1e-20", "100"], ["0", "100"]),
        new("text", "text", 25, ["", "a", "A", "it's", "a b ", "żółw", "日本語", "x\\y", "7", "NULL", "{a,b}", "\"q\"", "b", "zzz", "\n", "$1"], ["a", "z"]),
        new("text_c", "text COLLATE \"C\"", 25, ["", "a", "A", "it's", "a b ", "żółw", "日本語", "x\\y", "B", "b", "zzz", "a%"], ["a", "z"]),
        new("varchar", "varchar(20)", 1043, ["", "a", "A", "it's", "a b ", "żółw", "x\\y", "b"], ["a", "b"]),
        new("uuid", "uuid", 2950, ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-ffff-ffff-ffffffffffff", "7f000000-0000-4000-8000-000000000001", "80000000-0000-4000-8000-000000000001"], ["7f000000-0000-4000-8000-000000000001", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"]),
        new("date", "date", 1082, ["2000-01-01", "1999-12-31", "0001-01-01 BC", "9999-12-31", "5874897-12-31", "infinity", "-infinity", "4713-01-01 BC", "2024-02-29"], ["2000-01-01", "2024-02-29"]),
        new("timestamp", "timestamp", 1114, ["2000-01-01 00:00:00", "2024-02-29 23:59:59.999999", "0044-03-15 12:00:00 BC", "infinity", "294276-12-31 23:59:59.999999", "-infinity", "1999-12-31 23:59:59"], ["2000-01-01 00:00:00", "2024-02-29 23:59:59.999999"]),
        new("timestamptz", "timestamptz", 1184, ["2000-01-01 00:00:00+00", "2024-02-29 23:59:59.999999+02", "2024-02-29 21:59:59.999999+00", "infinity", "-infinity", "1999-12-31 23:59:59-11:30"], ["2000-01-01 00:00:00+00", "2024-01-01 00:00:00+00"]),
        new("bytea", "bytea", 17, ["\\x", "\\x00", "\\xdeadbeef", "\\xff00ff", "\\x61"], ["\\x00", "\\xdeadbeef"]),
    ];

    public bool IsInteger => Oid is 20 or 21 or 23;

    public bool IsNumber => IsInteger || Oid == 1700;

    public bool IsText => Oid is 25 or 1043;

    /// <summary>The type without its length and collation, as a cast names it.</summary>
    public string Cast => Oid == 1043 ? "varchar" : Type.Split(' ')[0];

    public uint ArrayOid => Oid switch
    {
        17 => 1001,
        20 => 1016,
        21 => 1005,
        23 => 1007,
        25 => 1009,
        1043 => 1015,
        1082 => 1182,
        1114 => 1115,
        1184 => 1185,
        1700 => 1231,
        _ => 2951,
    };

    public static string Quote(string value) => "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>An element of an array's text.</summary>
    public static string Element(string value) => "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    /// <summary>A value in the notation of ranges and lists.</summary>
    private static string Placed(string value) => "\"" + value.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>Distinct values in order, in two lists; the rest is the default's.</summary>
    public string Lists => Name == "numeric"
        ? "(0, 1.5, \"-0.001\", NaN) on s1, (1, 1e30) on s0, default on s2"
        : $"({string.Join(", ", Values[..2].Select(Placed))}) on s1, ({Placed(Values[^1])}) on s0, default on s2";

    public string Ranges(bool withShards) =>
        $"[,{Placed(Boundaries[0])}){(withShards ? " on s2" : "")}, [{Placed(Boundaries[0])},{Placed(Boundaries[1])}){(withShards ? " on s0" : "")}, [{Placed(Boundaries[1])},){(withShards ? " on s1" : "")}";
}
