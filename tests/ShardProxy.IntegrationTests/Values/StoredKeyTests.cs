using System.Text;
using ShardProxy.Protocol.Values;

namespace ShardProxy.IntegrationTests.Values;

/// <summary>A value that is stored becomes what the column's type makes of it: its hash must be that of the stored row.</summary>
public sealed class StoredKeyTests(HashServer server) : IClassFixture<HashServer>
{
    private static readonly string[] Numbers =
    [
        "0", "1", "-1", "4.5", "-4.5", "5.5", "4.49999", "0.5", "-0.5", "0.05", "99.95", "999.5", "99999.5", "-99999.994", "0.004", "0.005", "0.0049",
        "123456.789", "1234567", "99994", "99995", "32767.4", "32767.5", "-32768.5", "2147483647.4", "2147483647.5", "9223372036854775807", "9223372036854775807.5",
        "NaN", "Infinity", "1e20", "9.9e-5", "5e2", "50", "149", "150", "999950",
    ];

    private static readonly string[] Words = ["", " ", "ab", "abc", "abc  ", "abcd", "abc d", "äöü", "äöü ", "äöüx", "   ", "a  "];

    private static readonly string[] Times =
    [
        "2024-05-06 07:08:09.123456", "2024-05-06 07:08:09.5", "2024-05-06 07:08:09.499999", "1999-12-31 23:59:59.5", "1999-12-31 23:59:59.999999",
        "1969-07-20 20:17:40.0000005", "2000-01-01", "1990-01-01 12:00", "infinity", "-infinity", "0044-03-15 10:00:00.5 BC",
    ];

    public static TheoryData<string, string, string[]> Columns => new()
    {
        { "int2", "numeric", Numbers },
        { "int4", "numeric", Numbers },
        { "int8", "numeric", Numbers },
        { "int4", "int8", ["1", "-5", "2147483648", "2147483647"] },
        { "int4", "float8", ["0.5", "1.5", "2.5", "-2.5", "2147483647", "2147483648", "1e300", "NaN", "7"] },
        { "numeric(5,2)", "numeric", Numbers },
        { "numeric(5)", "numeric", Numbers },
        { "numeric(3,-2)", "numeric", Numbers },
        { "numeric(2,5)", "numeric", Numbers },
        { "numeric", "int8", ["0", "10000", "-9223372036854775808", "120000"] },
        { "numeric", "float8", ["1", "1e14", "1e15", "0.1", "-12345"] },
        { "varchar(3)", "text", Words },
        { "varchar(3)", "bpchar", Words },
        { "varchar", "bpchar", Words },
        { "text", "bpchar", Words },
        { "text", "name", Words },
        { "char(3)", "text", Words },
        { "char(3)", "bpchar", Words },
        { "bpchar", "text", Words },
        { "timestamp(0)", "timestamp", Times },
        { "timestamp(3)", "timestamp", Times },
        { "timestamp", "date", ["2024-05-06", "1969-01-01", "infinity", "0044-03-15 BC"] },
        { "timestamptz(2)", "timestamptz", ["2024-05-06 07:08:09.125+02", "1999-12-31 23:59:59.995Z"] },
        { "date", "timestamp", Times },
    };

    [Theory]
    [MemberData(nameof(Columns))]
    public async Task A_stored_value_has_the_hash_of_its_row(string column, string type, string[] texts)
    {
        var table = "stored_" + string.Concat((column + type).Where(char.IsAsciiLetterOrDigit)) + (column.Contains('-', StringComparison.Ordinal) ? "m" : "");
        await server.ExecuteAsync($"""
            CREATE TABLE {table} (k {column});
            CREATE FUNCTION put_{table}(t text) RETURNS text LANGUAGE plpgsql AS $$
                DECLARE stored text;
                BEGIN INSERT INTO {table} VALUES (t::{type}) RETURNING encode(textsend(k::text), 'hex') INTO stored; RETURN stored;
                EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$
            """);
        var attribute = (await server.QueryAsync($"SELECT atttypid::int, atttypmod FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 1"))[0];
        var typeOid = (uint)(int)(await server.QueryAsync($"SELECT '{type}'::regtype::oid::int"))[0][0]!;
        var target = new KeyTarget((uint)(int)attribute[0]!, (int)attribute[1]!, KeyUse.Store);
        var rows = await server.QueryAsync($"SELECT put_{table}(t) FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n", [texts]);
        for (var i = 0; i < texts.Length; i++)
        {
            var result = KeyHasher.TryHashParameter(target, typeOid, binary: false, Encoding.UTF8.GetBytes(texts[i]), out var hash);
            if (result == KeyHashResult.Unknown)
                continue;
            result.ShouldBe(rows[i][0] is null ? KeyHashResult.Invalid : KeyHashResult.Hashed, $"'{texts[i]}'");
            if (rows[i][0] is not string stored)
                continue;
            var storedText = Convert.FromHexString(stored);
            KeyHasher.TryHashText(target with { Use = KeyUse.Compare }, storedText, out var rowHash).ShouldBe(KeyHashResult.Hashed);
            hash.ShouldBe(rowHash, $"'{texts[i]}' is stored as '{Encoding.UTF8.GetString(storedText)}'");
        }
    }
}
