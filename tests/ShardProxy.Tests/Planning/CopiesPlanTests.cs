namespace ShardProxy.Tests.Planning;

/// <summary>COPY of tables and queries.</summary>
public sealed class CopiesPlanTests
{
    [Theory]
    [InlineData("copy users from stdin", "copy from users key 0 of 6 Text '\t' null '\\N' quote \" escape \" header None [Writes]")]
    [InlineData("copy orders (id, user_id) from stdin with (format csv, header, delimiter ';')", "copy from orders key 1 of 2 Csv ';' null '' quote \" escape \" header Present [Writes]")]
    [InlineData("copy products from stdin", "copy from products key -1 of 3 Text '\t' null '\\N' quote \" escape \" header None [Writes]")]
    [InlineData("copy products to stdout", "any")]
    [InlineData("copy (select * from users where id = 5) to stdout", "5")]
    [InlineData("copy users to '/tmp/x'", "refused 0A000: COPY with a file or program of the server works on one shard only, and \"users\" is on all of them")]
    [InlineData("copy orders (id) from stdin", "refused 0A000: the columns copied do not contain user_id, by which \"orders\" is sharded [Writes]")]
    [InlineData("copy (select count(*) from orders) to stdout", "gather")]
    [InlineData("copy (select set_config('a', 'b', false)) to stdout", "refused 0A000: COPY of this query has no one shard to run on")]
    public void PlansAsExpected(string sql, string plan) => PlanPrinter.Print(sql).ShouldBe(plan);
}
