using ShardProxy.Directory.Placements;

namespace ShardProxy.Tests.Directory.Placements;

public sealed class PlacementTextTests
{
    [Theory]
    [InlineData("[,100) on s0, [100,200), [200,) on s1")]
    [InlineData("[2024-01-01,2025-01-01) on s0")]
    [InlineData("(eu, ch) on s0, (us) on s1, default on s2")]
    [InlineData("(\"a b\", \"x,y\", \"q\"\"q\", \"\") on \"odd shard\", default")]
    [InlineData("[\"2024-01-01 00:00:00+00\",)")]
    public void What_is_read_is_written_alike(string text) => PlacementText.Format(PlacementText.Parse(text)).ShouldBe(text);

    [Fact]
    public void Blanks_do_not_count_outside_quotes() =>
        PlacementText.Format(PlacementText.Parse(" [ 1 , 2 )  on  s0 ,\n DEFAULT on s1")).ShouldBe("[1,2) on s0, default on s1");

    [Theory]
    [InlineData("")]
    [InlineData("[1,2")]
    [InlineData("[1,2]")]
    [InlineData("[1,2) on")]
    [InlineData("[1,2) s0")]
    [InlineData("(,)")]
    [InlineData("(\"a)")]
    [InlineData("[1,2), ")]
    public void What_is_malformed_is_refused(string text) => Should.Throw<FormatException>(() => PlacementText.Parse(text));

    [Fact]
    public void Shards_left_out_are_dealt_evenly()
    {
        var entries = PlacementTargets.Assign(PlacementText.Parse("[,1), [1,2), [2,3) on s2, [3,4), [4,)"), ["s0", "s1", "s2"]);

        entries.Select(static entry => entry.Target).ShouldBe(["s0", "s0", "s2", "s1", "s2"]);
    }

    [Theory]
    [InlineData("hash", null, "(eu) on s0 nowhere", "no shard \"nowhere\"")]
    [InlineData("hash", null, "(eu)", "no zone")]
    [InlineData("hash", null, "default on s0", "no zone")]
    [InlineData("hash", null, "[1,2) on s0", "no zone")]
    [InlineData("hash", null, "(eu) on s0 s0", "twice")]
    [InlineData("range", "[,1) on s0", "(eu) on s0", "names no shard")]
    [InlineData("range", null, "(eu) on s0", "takes ranges")]
    [InlineData("list", "[,1)", "(eu) on s0", "takes lists")]
    [InlineData("lookup", "most", "(eu) on s0", "there is no policy")]
    [InlineData("lookup", "fewest", "(eu)", "no zone")]
    public void Zones_that_make_no_sense_are_refused(string strategy, string? inner, string zones, string because) =>
        Should.Throw<FormatException>(() => ZoneRule.EntriesFor(strategy, inner, zones, ["s0", "s1"])).Message.ShouldContain(because);

    [Fact]
    public void There_are_at_most_64_zones() =>
        Should.Throw<FormatException>(() => ZoneRule.EntriesFor("hash", null, string.Join(", ", Enumerable.Range(0, 65).Select(static zone => $"({zone}) on s0")), ["s0"]));

    [Fact]
    public void A_shard_that_is_not_there_is_refused() =>
        Should.Throw<FormatException>(() => PlacementTargets.Assign(PlacementText.Parse("[,1) on nowhere"), ["s0"])).Message.ShouldContain("nowhere");
}
