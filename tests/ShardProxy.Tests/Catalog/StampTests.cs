using ShardProxy.Catalog;

namespace ShardProxy.Tests.Catalog;

public sealed class StampTests
{
    private static readonly Stamp Expected = new("0199-uuid", "shop", "s1");

    [Theory]
    [InlineData("shop", "s1")]
    [InlineData("a/b//c", "s-1.x_2")]
    public void What_is_formatted_is_parsed(string database, string shard)
    {
        var stamp = new Stamp("0199-uuid", database, shard);

        Stamp.TryParse(stamp.Format(), out var parsed).ShouldBeTrue();

        parsed.ShouldBe(stamp);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("//")]
    [InlineData("a/b")]
    [InlineData("a//b")]
    [InlineData("/a/b")]
    [InlineData("a/b/")]
    public void What_has_not_three_parts_is_no_stamp(string? text) => Stamp.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("0199-uuid/shop/s1")]
    public void No_stamp_and_the_same_stamp_are_accepted(string? found) => Expected.DescribeMismatch(found, "db1:5432/shop").ShouldBeNull();

    [Fact]
    public void Another_stamp_is_described_with_what_was_found_and_what_was_expected()
    {
        Expected.DescribeMismatch("beef/blog/s9", "db1:5432/shop").ShouldBe(
            "the server db1:5432/shop is shard \"s9\" of database \"blog\" in cluster beef, not shard \"s1\" of database \"shop\" in cluster 0199-uuid");
        Expected.DescribeMismatch("nonsense", "db1:5432/shop").ShouldBe(
            "the server db1:5432/shop carries the stamp \"nonsense\", which means nothing here; expected was shard \"s1\" of database \"shop\" in cluster 0199-uuid");
    }
}
