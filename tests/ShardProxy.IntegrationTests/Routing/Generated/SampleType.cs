namespace ShardProxy.IntegrationTests.Routing.Generated;

/// <summary>A type of columns and parameters.</summary>
/// <param name="Sql">As in CREATE TABLE.</param>
/// <param name="Cast">Without collation and modifiers, for casts.</param>
/// <param name="Values">In PostgreSQL's text form; ordinary, extreme, and close to each other.</param>
internal sealed record SampleType(string Sql, string Cast, ValueKind Kind, string[] Values)
{
    private static readonly string[] Words = ["", "a", "A", "b", "B", "ab", "a b", "10", "9", "Ä", "z", "é", "_x", "x%y", "it's", "x\\y", "日本", "  ", "-1"];

    public static IReadOnlyList<SampleType> All { get; } =
    [
        new("int4", "int4", ValueKind.Small, ["0", "1", "2", "3", "5", "8", "-1", "-7", "13", "40"]),
        new("text", "text", ValueKind.Text, Words),
        new("int8", "int8", ValueKind.Wide, ["0", "1", "-1", "7", "9223372036854775807", "-9223372036854775808", "4294967296"]),
        new("numeric(12,2)", "numeric", ValueKind.Number, ["0.00", "1.50", "-2.25", "10.00", "9999999999.99", "-9999999999.99", "0.01", "NaN"]),
        new("bool", "bool", ValueKind.Bool, ["t", "f"]),
        new("int2", "int2", ValueKind.Wide, ["0", "1", "-1", "32767", "-32768"]),
        new("int4", "int4", ValueKind.Wide, ["0", "1", "-1", "2147483647", "-2147483648"]),
        new("numeric", "numeric", ValueKind.LooseNumber, ["1", "1.0", "1.000", "-0.5", "-0.50", "1e20", "1e-20", "NaN", "Infinity", "-Infinity", "0", "0.00"]),
        new("float8", "float8", ValueKind.Float, ["0", "0.5", "-1.25", "1024", "3.75", "-8"]),
        new("float4", "float4", ValueKind.Float, ["0", "0.5", "-1.25", "1024", "3.75"]),
        new("float8", "float8", ValueKind.LooseFloat, ["0", "-0", "NaN", "Infinity", "-Infinity", "1.5", "1e300"]),
        new("varchar(20)", "varchar", ValueKind.Text, Words),
        new("text COLLATE \"C\"", "text", ValueKind.PlainText, Words),
        new("text COLLATE \"en-x-icu\"", "text", ValueKind.LanguageText, Words),
        new("text COLLATE gen_nocase", "text", ValueKind.LooseText, ["a", "A", "b", "B", "", "äb", "ÄB"]),
        new("char(6)", "bpchar", ValueKind.Padded, ["", "a", "A", "ab", "b", "10"]),
        new("date", "date", ValueKind.Date, ["2000-01-01", "1999-12-31", "2024-02-29", "infinity", "-infinity", "0001-01-01 BC", "2024-03-01"]),
        new("timestamp", "timestamp", ValueKind.Timestamp, ["2000-01-01 00:00:00", "2024-02-29 23:59:59.999999", "infinity", "-infinity", "0044-03-15 12:00:00 BC"]),
        new("timestamptz", "timestamptz", ValueKind.Instant, ["2000-01-01 00:00:00+00", "2024-02-29 23:59:59.999999+02", "infinity", "1969-07-20 20:17:00+00"]),
        new("interval", "interval", ValueKind.LooseInterval, ["1 day", "24:00:00", "30 days", "1 mon", "-1 day", "00:00:00", "1 mon -30 days"]),
        new("time", "time", ValueKind.Time, ["00:00:00", "23:59:59.999999", "24:00:00", "12:30:00"]),
        new("uuid", "uuid", ValueKind.Uuid, ["00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-ffff-ffff-ffffffffffff", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12"]),
        new("bytea", "bytea", ValueKind.Bytes, ["\\x", "\\x00", "\\xdeadbeef", "\\xff00ff", "\\xde"]),
        new("gen_mood", "gen_mood", ValueKind.Mood, ["sad", "ok", "happy"]),
        new("gen_small", "gen_small", ValueKind.Small, ["0", "1", "2", "9"]),
        new("gen_label", "gen_label", ValueKind.Text, ["a", "b", "A", "zz"]),
        new("money", "money", ValueKind.Money, ["$0.00", "$1.50", "-$2.25"]),
        new("inet", "inet", ValueKind.Address, ["10.0.0.1", "10.0.0.0/8", "::1"]),
        new("int4[]", "int4[]", ValueKind.Numbers, ["{}", "{1,2}", "{1,NULL}", "{3}", "{2,1}"]),
        new("int4range", "int4range", ValueKind.Range, ["empty", "[1,5)", "[3,)", "(,)"]),
        new("gen_pair", "gen_pair", ValueKind.Pair, ["(1,a)", "(1,)", "(2,\"x y\")"]),
        new("jsonb", "jsonb", ValueKind.Document, ["{\"a\": 1}", "[]", "null", "{\"a\": \"x\", \"b\": [1, 2]}", "3"]),
        new("json", "json", ValueKind.Opaque, ["{\"a\":1}", "[ ]", "null"]),
        new("point", "point", ValueKind.Opaque, ["(0,0)", "(1.5,-2)"]),
    ];

    /// <summary>What shard keys are of here.</summary>
    public static IReadOnlyList<SampleType> Keys { get; } =
    [
        new("int8", "int8", ValueKind.Small, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "-3", "0"]),
        new("int4", "int4", ValueKind.Small, ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "-3", "0"]),
        new("text", "text", ValueKind.Text, ["", "a", "A", "b", "ab", "a b", "10", "9", "é", "日本", "z", "it's"]),
        new("uuid", "uuid", ValueKind.Uuid, [.. Enumerable.Range(0, 12).Select(static n => $"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a{n:00}")]),
        new("date", "date", ValueKind.Date, ["2000-01-01", "1999-12-31", "2024-02-29", "2024-03-01", "infinity", "-infinity", "0001-01-01 BC", "2023-05-05", "2023-05-06", "2023-05-07"]),
        new("varchar(12)", "varchar", ValueKind.Text, ["", "a", "A", "b", "ab", "a b", "10", "9", "é", "z"]),
        new("timestamptz", "timestamptz", ValueKind.Instant, ["2000-01-01 00:00:00+00", "2024-02-29 23:59:59.999999+00", "infinity", "1969-07-20 20:17:00+00", "2023-05-05 05:05:05+00", "2023-06-06 06:06:06+00"]),
    ];
}
