using System.Text;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Protocol.Tests.Values;

public sealed class KeyHasherTests
{
    // The last step of a row hash adds this to the column's hash.
    private const ulong CombineOffset = 0x49A0F4DD15E5A8E3;

    [Theory]
    [InlineData(TypeOid.Int4, "42", 7363975540656877951)] // SELECT hashint4extended(42, 8816678312871386365)
    [InlineData(TypeOid.Int8, "-42", 6660635123915733087)] // hashint8extended
    [InlineData(TypeOid.Text, "hello world", 7664296498819024037)] // hashtextextended
    [InlineData(TypeOid.Bpchar, "hello world   ", 7664296498819024037)]
    [InlineData(TypeOid.Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", 424513190990560493)] // uuid_hash_extended
    [InlineData(TypeOid.Numeric, "01234567.8900", 5804892603956827535)] // hash_numeric_extended
    [InlineData(TypeOid.Numeric, "-0.0", 8816678312871386364)]
    [InlineData(TypeOid.Bool, "yes", 5968994663651403477)] // hashcharextended
    public void Hashes_are_those_of_the_server(uint type, string text, long expected)
    {
        Hash(type, text, out var hash).ShouldBe(KeyHashResult.Hashed);
        hash.ShouldBe(unchecked((ulong)expected + CombineOffset));
    }

    [Theory]
    [InlineData(TypeOid.Int4, "0x1F")] // PostgreSQL 16 reads it
    [InlineData(TypeOid.Int8, "1_000")]
    [InlineData(TypeOid.Numeric, "1_000.5")]
    [InlineData(TypeOid.Timestamptz, "2024-05-06 07:08:09")]
    [InlineData(TypeOid.Timestamptz, "2024-05-06 07:08:09 Europe/Berlin")]
    [InlineData(TypeOid.Date, "now")]
    [InlineData(TypeOid.Date, "05/06/2024")]
    [InlineData(TypeOid.Timestamp, "2024-05-06 07:08:09.1234567")]
    public void What_depends_on_the_session_or_the_version_is_not_known(uint type, string text) =>
        Hash(type, text, out _).ShouldBe(KeyHashResult.Unknown);

    [Theory]
    [InlineData(TypeOid.Int2, "32768")]
    [InlineData(TypeOid.Int4, "")]
    [InlineData(TypeOid.Int4, "4.5")]
    [InlineData(TypeOid.Int8, "9223372036854775808")]
    [InlineData(TypeOid.Int8, "123456789012345678901234567890")]
    [InlineData(TypeOid.Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1")]
    [InlineData(TypeOid.Bytea, "\\xabc")]
    [InlineData(TypeOid.Bool, "o")]
    [InlineData(TypeOid.Numeric, "1.2.3")]
    public void What_no_server_reads_is_invalid(uint type, string text) => Hash(type, text, out _).ShouldBe(KeyHashResult.Invalid);

    [Fact]
    public void Binary_values_of_a_wrong_length_are_invalid()
    {
        foreach (var type in new[] { TypeOid.Int2, TypeOid.Int4, TypeOid.Int8, TypeOid.Uuid, TypeOid.Bool, TypeOid.Date, TypeOid.Timestamp, TypeOid.Numeric })
            KeyHasher.TryHashParameter(new KeyTarget(type, -1, KeyUse.Compare), type, true, new byte[7], out _).ShouldBe(KeyHashResult.Invalid);
    }

    [Fact]
    public void Random_input_never_throws()
    {
        var random = new Random(4);
        uint[] keys = [TypeOid.Bool, TypeOid.Bytea, TypeOid.Int8, TypeOid.Int2, TypeOid.Int4, TypeOid.Text, TypeOid.Bpchar, TypeOid.Varchar, TypeOid.Date, TypeOid.Timestamp, TypeOid.Timestamptz, TypeOid.Numeric, TypeOid.Uuid];
        uint[] values = [.. keys, 0, TypeOid.Unknown, TypeOid.Float4, TypeOid.Float8, TypeOid.Name, 4711];
        for (var i = 0; i < 200_000; i++)
        {
            var bytes = new byte[random.Next(32)];
            for (var at = 0; at < bytes.Length; at++)
                bytes[at] = random.Next(4) == 0 ? (byte)random.Next(256) : (byte)"0123456789-+.eE: \0\0\u0001T\\x"[random.Next(23)];
            var modifier = random.Next(3) switch { 0 => -1, 1 => random.Next(20), _ => random.Next() };
            var key = new KeyTarget(keys[random.Next(keys.Length)], modifier, (KeyUse)random.Next(2));
            KeyHasher.TryHashParameter(key, values[random.Next(values.Length)], random.Next(2) == 0, bytes, out _);
            KeyHasher.TryHashNumericLiteral(key, random.Next(2) == 0, bytes, values[random.Next(values.Length)], out _);
        }
    }

    [Theory]
    [InlineData(TypeOid.Int8, "123456789")]
    [InlineData(TypeOid.Text, "some text that is longer than twelve bytes")]
    [InlineData(TypeOid.Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]
    [InlineData(TypeOid.Numeric, "12345.678")]
    [InlineData(TypeOid.Timestamptz, "2024-05-06 07:08:09.123456+02")]
    public void Hashing_allocates_nothing(uint type, string text)
    {
        var key = new KeyTarget(type, -1, KeyUse.Compare);
        var bytes = Encoding.UTF8.GetBytes(text);
        KeyHasher.TryHashText(key, bytes, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            KeyHasher.TryHashText(key, bytes, out _);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private static KeyHashResult Hash(uint type, string text, out ulong hash) =>
        KeyHasher.TryHashText(new KeyTarget(type, -1, KeyUse.Compare), Encoding.UTF8.GetBytes(text), out hash);
}
