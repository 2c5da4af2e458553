using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;

namespace ShardProxy.Tests.Control;

public sealed class SequenceRangeTests
{
    [Theory]
    [InlineData("bigint", long.MaxValue)]
    [InlineData("integer", int.MaxValue)]
    public void Stretches_of_shards_do_not_meet(string type, long maximum)
    {
        var last = 0L;
        for (var shard = 0; shard < 64; shard++)
        {
            var statement = SequenceRange.Confine(Fresh(type, maximum), shard, 64).ShouldNotBeNull();
            if (shard > 0)
                NumberAfter(statement, "MINVALUE ").ShouldBeGreaterThan(last);
            last = NumberAfter(statement, "MAXVALUE ");
            last.ShouldBeLessThanOrEqualTo(maximum);
        }
    }

    [Fact]
    public void One_shard_needs_no_stretch() => SequenceRange.Confine(Fresh("smallint", short.MaxValue), 0, 1).ShouldBeNull();

    [Fact]
    public void A_sequence_in_its_stretch_is_left_where_it_is()
    {
        var sequence = Fresh("bigint", (1L << 49) - 1) with { Minimum = (1L << 48) + 1, LastValue = (1L << 48) + 77 };

        SequenceRange.Confine(sequence, 1, 2).ShouldBeNull();
    }

    [Theory]
    [InlineData("integer", 65)]
    [InlineData("smallint", 2)]
    public void Too_small_a_type_is_refused(string type, int shards) =>
        Should.Throw<SqlException>(() => SequenceRange.Confine(Fresh(type, 1), 0, shards)).SqlState.ShouldBe("0A000");

    [Fact]
    public void What_descends_cycles_or_has_come_too_far_is_refused()
    {
        var sequence = Fresh("integer", int.MaxValue);

        Should.Throw<SqlException>(() => SequenceRange.Confine(sequence with { Increment = -1 }, 0, 2));
        Should.Throw<SqlException>(() => SequenceRange.Confine(sequence with { Cycles = true }, 0, 2));
        Should.Throw<SqlException>(() => SequenceRange.Confine(sequence with { LastValue = 1 << 25 }, 0, 2)).Message.ShouldContain("has come to 33554432");
    }

    private static SequenceState Fresh(string type, long maximum) => new("public.s", type, 1, 1, 1, maximum, false, null);

    private static long NumberAfter(string statement, string word) =>
        long.Parse(statement[(statement.IndexOf(word, StringComparison.Ordinal) + word.Length)..].Split(' ')[0]);
}
