using System.Globalization;
using System.Numerics;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Tests.Directory.Placements;

public sealed class RangePlacementTests
{
    [Fact]
    public void A_key_is_in_the_range_whose_ends_are_around_it() => Check(Prop.ForAll(
        ArbMap.Default.ArbFor<long[]>(),
        ArbMap.Default.ArbFor<long>(),
        static (bounds, key) =>
        {
            var ends = bounds.Distinct().Order().ToArray();
            if (ends.Length < 2)
                return true;
            // Every second stretch is a gap.
            var ranges = Enumerable.Range(0, ends.Length / 2).Select(index => (From: ends[2 * index], To: ends[(2 * index) + 1])).ToArray();
            var placement = Ranges(TypeOid.Int8, [.. ranges.Select(static range => (Text(range.From), Text(range.To)))]);
            return ends.Append(key).All(value =>
                placement.Find(Image(TypeOid.Int8, Text(value))) == Array.FindIndex(ranges, range => range.From <= value && value < range.To));
        }));

    [Fact]
    public void Comparisons_leave_the_ranges_that_can_hold_a_key() => Check(Prop.ForAll(
        ArbMap.Default.ArbFor<sbyte[]>(),
        ArbMap.Default.ArbFor<sbyte>(),
        static (bounds, bound) =>
        {
            var ends = bounds.Distinct().Order().ToArray();
            var placement = Ranges(TypeOid.Int4, [.. Enumerable.Range(0, ends.Length + 1).Select(index => (
                index == 0 ? null : Text(ends[index - 1]),
                index == ends.Length ? null : Text(ends[index])))]);
            var image = Image(TypeOid.Int4, Text(bound));
            return Enumerable.Range(sbyte.MinValue, 256).All(key =>
            {
                var at = placement.Find(Image(TypeOid.Int4, Text(key)));
                return (key < bound || at >= placement.FirstAbove(image))
                    && (key > bound || at <= placement.LastBelow(image, inclusive: true))
                    && (key >= bound || at <= placement.LastBelow(image, inclusive: false));
            });
        }));

    [Fact]
    public void Numerics_are_ordered_by_value_whatever_their_digits() => Check(Prop.ForAll(
        ArbMap.Default.ArbFor<decimal>(),
        ArbMap.Default.ArbFor<decimal>(),
        static (one, other) => Math.Sign(Compare(TypeOid.Numeric, Text(one), Text(other))) == one.CompareTo(other)));

    [Theory]
    [InlineData(TypeOid.Numeric, "-Infinity", "-1e100", "-1.5", "-0.001", "0", "0.00001", "0.1", "1", "1.5", "9", "10", "1e100", "Infinity", "NaN")]
    [InlineData(TypeOid.Date, "-infinity", "0044-03-15 BC", "1999-12-31", "2000-01-01", "9999-12-31", "infinity")]
    [InlineData(TypeOid.Timestamp, "-infinity", "1999-12-31 23:59:59.999999", "2000-01-01", "infinity")]
    [InlineData(TypeOid.Timestamptz, "2024-01-01 00:00:00+02", "2024-01-01 00:00:00+00")]
    [InlineData(TypeOid.Text, "", "A", "B", "a", "aa", "b", "ż")]
    [InlineData(TypeOid.Uuid, "00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-ffff-ffff-ffffffffffff")]
    [InlineData(TypeOid.Bool, "false", "true")]
    [InlineData(TypeOid.Int2, "-32768", "-1", "0", "1", "32767")]
    public void Images_are_in_the_order_of_the_type(uint type, params string[] values)
    {
        for (var index = 1; index < values.Length; index++)
            Compare(type, values[index - 1], values[index]).ShouldBeLessThan(0, $"{values[index - 1]} and {values[index]}");
    }

    [Theory]
    [InlineData(TypeOid.Numeric, "1.50", "1.5")]
    [InlineData(TypeOid.Numeric, "0.0", "-0")]
    [InlineData(TypeOid.Numeric, "100", "1e2")]
    [InlineData(TypeOid.Bpchar, "a ", "a")]
    [InlineData(TypeOid.Timestamptz, "2024-01-01 02:00:00+02", "2024-01-01 00:00:00+00")]
    [InlineData(TypeOid.Uuid, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")]
    public void Equal_keys_have_one_image(uint type, string one, string other) => Compare(type, one, other).ShouldBe(0);

    [Theory]
    [InlineData("[5,5)", "is empty")]
    [InlineData("[6,5)", "is empty")]
    [InlineData("[1,5), [4,6)", "overlap")]
    [InlineData("[1,), [4,6)", "overlap")]
    [InlineData("[,2), [,4)", "overlap")]
    [InlineData("[a,b)", "not one of the key column's type")]
    public void Ranges_that_make_no_sense_are_refused(string text, string because) =>
        Should.Throw<PlacementException>(() => new RangePlacement((RangeRule)PlacementRule.Of("range", PlacementText.Parse(text), static _ => 0), TypeOid.Int4))
            .Message.ShouldContain(because);

    [Theory]
    [InlineData(5, "[,10)")]
    [InlineData(25, "[20,30)")]
    [InlineData(45, "[40,)")]
    public void A_key_without_a_range_hears_which_gap_it_is_in(int key, string gap) =>
        Ranges(TypeOid.Int4, [("10", "20"), ("30", "40")]).Missing(Image(TypeOid.Int4, Text(key)), Text(key)).ShouldBe($"a range that holds {key}, within {gap}");

    private static RangePlacement Ranges(uint type, (string? From, string? To)[] ranges) =>
        new(new RangeRule([.. ranges.Select(static (range, bucket) => new RangeBucket(range.From, range.To, bucket))]), type);

    private static int Compare(uint type, string one, string other) => Image(type, one).AsSpan().SequenceCompareTo(Image(type, other));

    private static byte[] Image(uint type, string value)
    {
        var image = new ByteBuffer();
        KeyImage.TryReadText(new KeyTarget(type, -1, KeyUse.Compare), Encoding.UTF8.GetBytes(value), image).ShouldBe(KeyHashResult.Hashed);
        return image.Unread.ToArray();
    }

    private static string Text<T>(T number)
        where T : INumber<T> => number.ToString(null, CultureInfo.InvariantCulture);

    private static void Check(Property property) =>
        FsCheck.Check.One(Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(20261122, 0x9E3779B97F4A7C15), property);
}
