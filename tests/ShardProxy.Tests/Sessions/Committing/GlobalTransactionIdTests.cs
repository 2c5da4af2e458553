using System.Text;
using ShardProxy.Sessions.Committing;

namespace ShardProxy.Tests.Sessions.Committing;

public sealed class GlobalTransactionIdTests
{
    private const string Cluster = "11111111-2222-3333-4444-555555555555";

    [Fact]
    public void A_name_is_read_as_it_was_written()
    {
        var id = new GlobalTransactionId(Cluster, "s-1.x_2", CommitSecret.IdOf(CommitSecret.Create()));
        GlobalTransactionId.TryParse(id.NameOfPart(3), out var read).ShouldBeTrue();
        read.ShouldBe(id);
    }

    [Fact]
    public void The_longest_name_is_one_that_PostgreSQL_takes() =>
        Encoding.UTF8.GetByteCount(new GlobalTransactionId(Cluster, new string('s', 63), new string('0', 32)).NameOfPart(65_535)).ShouldBeLessThan(200);

    [Theory]
    [InlineData("")]
    [InlineData("mine")]
    [InlineData("shardproxy:")]
    [InlineData("shardproxy:c:s:0123456789abcdef0123456789abcdef")]
    [InlineData("shardproxy:c:s:0123456789abcdef:0")]
    [InlineData("shardproxy:c:s:0123456789abcdef0123456789abcdef:x")]
    [InlineData("shardproxy:c:s:0123456789abcdef0123456789abcdef:0:0")]
    [InlineData("shardproxy::s:0123456789abcdef0123456789abcdef:0")]
    public void Other_names_are_not_ours(string name) => GlobalTransactionId.TryParse(name, out _).ShouldBeFalse();

    [Fact]
    public void The_id_is_the_hash_of_the_secret() => CommitSecret.IdOf("abc").ShouldBe("ba7816bf8f01cfea414140de5dae2223");
}
