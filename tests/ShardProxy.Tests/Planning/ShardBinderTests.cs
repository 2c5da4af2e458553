using System.Text;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Planning;

/// <summary>Key values bound to shards, where a value's own type, a cast and the key's type are not the same.</summary>
public sealed class ShardBinderTests
{
    private const int AnyShard = 77;

    [Theory]
    [InlineData(TypeOid.Int4, 0u, 0u, "42", "bound")]
    [InlineData(TypeOid.Int4, 0u, TypeOid.Int8, "42", "bound")]
    [InlineData(TypeOid.Int4, TypeOid.Int8, TypeOid.Int4, "42", "bound")]
    [InlineData(TypeOid.Int4, TypeOid.Numeric, 0u, "4.5", "nowhere")]
    [InlineData(TypeOid.Int4, TypeOid.Numeric, TypeOid.Int4, "4.5", "refused")] // the cast rounds
    [InlineData(TypeOid.Int4, TypeOid.Text, TypeOid.Int4, "42", "bound")]
    [InlineData(TypeOid.Uuid, TypeOid.Text, TypeOid.Uuid, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "bound")]
    [InlineData(TypeOid.Uuid, TypeOid.Text, 0u, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "refused")] // no such operator
    [InlineData(TypeOid.Date, TypeOid.Timestamp, TypeOid.Date, "2024-05-06 10:00", "refused")] // the cast cuts
    [InlineData(TypeOid.Date, TypeOid.Timestamp, 0u, "2024-05-06 10:00", "nowhere")]
    [InlineData(TypeOid.Timestamp, TypeOid.Date, TypeOid.Timestamp, "2024-05-06", "bound")]
    [InlineData(TypeOid.Bpchar, TypeOid.Text, 0u, "ab ", "nowhere")]
    [InlineData(TypeOid.Bpchar, TypeOid.Text, TypeOid.Bpchar, "ab ", "bound")]
    [InlineData(TypeOid.Int4, 0u, 0u, "abc", "nowhere")] // any shard rejects it
    public void A_cast_parameter_is_read_as_the_server_reads_it(uint key, uint declared, uint castTo, string value, string expected) =>
        Bind(new KeyEquals(new KeyType(key, -1), new ParameterTerm(1, castTo)), declared, value).ShouldBe(expected);

    [Theory]
    [InlineData("{1,1}", "bound")]
    [InlineData("{NULL}", "nowhere")]
    [InlineData("{abc}", "nowhere")]
    [InlineData("{1,abc}", "refused")]
    [InlineData("{1", "nowhere")]
    public void An_array_is_read_element_by_element(string value, string expected) =>
        Bind(new KeyInArray(new KeyType(TypeOid.Int4, -1), new ParameterTerm(1, 0)), 0, value).ShouldBe(expected);

    [Theory]
    [InlineData("user_id = '5'", "bound")]
    [InlineData("user_id = '5.0'", "nowhere")] // an error on any shard
    [InlineData("user_id IN ('5.0', 4.5)", "bound")] // a numeric there, and 5.0 = 5
    [InlineData("user_id IN (4.5, '5.0')", "bound")]
    [InlineData("user_id IN (4.5, 5.5)", "nowhere")]
    [InlineData("user_id = 5 AND user_id = '5.0'", "bound")]
    public void A_literal_that_is_no_value_of_the_key_may_be_one_of_its_neighbours_type(string condition, string expected)
    {
        var sql = $"SELECT * FROM order_items WHERE {condition}";
        var choice = (KeyedShard)((OneShardPlan)Shop.Plan(sql).Statements[0].Plan).Choice;
        var text = Encoding.UTF8.GetBytes(sql);
        var scanner = new ShapeScanner();
        scanner.Scan(text);
        Choose(choice, new StatementValues(text, scanner)).ShouldBe(expected);
    }

    private static string Bind(KeySet set, uint declared, string value)
    {
        var buffer = new ByteBuffer();
        BindMessage.Write(buffer, ""u8, ""u8, [], [Encoding.UTF8.GetBytes(value)], []);
        BindMessage.TryRead(buffer.Unread[Frame.HeaderLength..], out var bind).ShouldBeTrue();
        return Choose(new KeyedShard([set], false), new StatementValues(""u8, new ShapeScanner(), bind, [declared]));
    }

    private static string Choose(KeyedShard choice, in StatementValues values) =>
        ShardBinder.Choose(choice, Shop.Directory, values, AnyShard, out var shard, out _) == BindResult.Refused
            ? "refused"
            : shard == AnyShard ? "nowhere" : "bound";
}
