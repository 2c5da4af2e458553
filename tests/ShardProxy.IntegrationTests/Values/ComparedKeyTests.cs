using System.Text;
using ShardProxy.Protocol.Values;

namespace ShardProxy.IntegrationTests.Values;

/// <summary>
/// A value of another type than the key's: wherever the server finds key and value equal, the value's hash is the
/// key's, or we say that we do not know. That a value never equals is checked, too.
/// </summary>
public sealed class ComparedKeyTests(HashServer server) : IClassFixture<HashServer>
{
    private static readonly string[] Integers = ["0", "1", "-1", "5", "-5", "32767", "-32768", "100", "10000"];
    private static readonly string[] LargeIntegers =
        [.. Integers, "2147483648", "9007199254740991", "9007199254740992", "9007199254740993", "9223372036854775807", "-9223372036854775808"];

    private static readonly string[] Decimals = [.. LargeIntegers, "5.0", "5.00", "4.5", "1e2", "-0", "9223372036854775808", "NaN", "Infinity", "1.0e4"];
    private static readonly string[] Floats = ["0", "-0", "1", "-1", "5", "4.5", "100", "1e4", "32767", "9007199254740991", "9007199254740992", "NaN", "Infinity", "1e30"];
    private static readonly string[] Words = ["", " ", "a", "a ", "a  ", "b", "ab", "ab ", "ä", "ä "];
    private static readonly string[] Dates = ["2024-05-06", "2000-01-01", "1999-12-31", "infinity", "-infinity", "0044-03-15 BC"];
    private static readonly string[] Timestamps = [.. Dates, "2024-05-06 00:00:00.000001", "1999-12-31 12:00", "2000-01-01 00:00:01"];

    public static TheoryData<string, string[], string, string[]> Pairs => new()
    {
        { "int2", Integers, "int4", [.. Integers, "65536"] },
        { "int2", Integers, "int8", LargeIntegers },
        { "int4", Integers, "int2", Integers },
        { "int4", Integers, "int8", LargeIntegers },
        { "int8", LargeIntegers, "int4", Integers },
        { "int2", Integers, "numeric", Decimals },
        { "int4", Integers, "numeric", Decimals },
        { "int8", LargeIntegers, "numeric", Decimals },
        { "numeric", Decimals, "int2", Integers },
        { "numeric", Decimals, "int8", LargeIntegers },
        { "int4", Integers, "float8", Floats },
        { "int8", LargeIntegers, "float8", Floats },
        { "int4", Integers, "float4", Floats },
        { "int8", LargeIntegers, "float4", Floats },
        { "numeric", Decimals, "float8", Floats },
        { "text", Words, "varchar", Words },
        { "text", Words, "bpchar", Words },
        { "text", Words, "name", Words },
        { "varchar", Words, "text", Words },
        { "varchar", Words, "varchar", Words },
        { "varchar", Words, "bpchar", Words },
        { "varchar", Words, "name", Words },
        { "bpchar", Words, "bpchar", Words },
        { "bpchar", Words, "text", Words },
        { "bpchar", Words, "varchar", Words },
        { "bpchar", Words, "name", Words },
        { "date", Dates, "timestamp", Timestamps },
        { "timestamp", Timestamps, "date", Dates },
        { "date", Dates, "timestamptz", Timestamps },
        { "timestamp", Timestamps, "timestamptz", Timestamps },
    };

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task What_the_server_finds_equal_has_one_hash(string keyType, string[] keys, string valueType, string[] values)
    {
        var equal = await server.QueryAsync(
            $"SELECT k.i::int, v.i::int FROM unnest($1::text[]) WITH ORDINALITY AS k(t, i), unnest($2::text[]) WITH ORDINALITY AS v(t, i) WHERE k.t::{keyType} = v.t::{valueType}",
            keys,
            values);
        var target = new KeyTarget(HashServer.Types[keyType], -1, KeyUse.Compare);
        var typeOid = (uint)(int)(await server.QueryAsync($"SELECT '{valueType}'::regtype::oid::int"))[0][0]!;
        foreach (var pair in equal)
        {
            var key = keys[(int)pair[0]! - 1];
            var value = values[(int)pair[1]! - 1];
            KeyHasher.TryHashText(target, Encoding.UTF8.GetBytes(key), out var keyHash).ShouldBe(KeyHashResult.Hashed);
            var result = KeyHasher.TryHashParameter(target, typeOid, binary: false, Encoding.UTF8.GetBytes(value), out var hash);
            if (result == KeyHashResult.Unknown)
                continue;
            result.ShouldBe(KeyHashResult.Hashed, $"'{key}' = '{value}'");
            hash.ShouldBe(keyHash, $"'{key}' = '{value}'");
        }
        equal.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("int4", "5")]
    [InlineData("int4", "5.0")]
    [InlineData("int8", "5e0")]
    [InlineData("int2", "4.5")]
    [InlineData("int4", "99999999999")]
    [InlineData("int8", "99999999999999999999")]
    [InlineData("numeric", "5")]
    [InlineData("numeric", ".50e1")]
    [InlineData("numeric", "0.00")]
    public async Task A_number_in_the_text_has_the_hash_of_the_key_that_equals_it(string keyType, string literal)
    {
        string[] keys = ["5", "-5", "0", "4", "50"];
        var target = new KeyTarget(HashServer.Types[keyType], -1, KeyUse.Compare);
        foreach (var negative in new[] { false, true })
        {
            var result = KeyHasher.TryHashNumericLiteral(target, negative, Encoding.UTF8.GetBytes(literal), 0, out var hash);
            var equal = await server.QueryAsync($"SELECT t FROM unnest($1::text[]) AS u(t) WHERE t::{keyType} = {(negative ? "-" : "")}{literal}", [keys]);
            foreach (var key in equal)
            {
                result.ShouldBe(KeyHashResult.Hashed);
                KeyHasher.TryHashText(target, Encoding.UTF8.GetBytes((string)key[0]!), out var keyHash).ShouldBe(KeyHashResult.Hashed);
                hash.ShouldBe(keyHash);
            }
            if (equal.Count == 0)
                result.ShouldBe(KeyHashResult.NeverEqual);
        }
    }
}
