using System.Collections.Immutable;
using ShardProxy.Merging;
using ShardProxy.Planning.Merging;

namespace ShardProxy.IntegrationTests.Merging;

/// <summary>For every aggregate and type that we say we can combine: partial rows of three parts combined, against PostgreSQL over the whole, byte for byte.</summary>
public sealed class AggregateAgreementTests(MergeServer server) : IClassFixture<MergeServer>
{
    private const int Rows = 400;

    private static readonly string[] Functions =
    [
        "count", "sum", "avg", "min", "max", "bool_and", "every", "bool_or", "bit_and", "bit_or", "bit_xor",
        "var_pop", "var_samp", "variance", "stddev_pop", "stddev_samp", "stddev",
    ];

    public static TheoryData<string, string> Pairs
    {
        get
        {
            var pairs = new TheoryData<string, string>();
            foreach (var (type, oid) in TypeSamples.Ordered)
            {
                foreach (var function in Functions)
                {
                    if (AggregateRules.Find(function, oid, CollationOrder.Bytewise) is not null)
                        pairs.Add(function, type);
                }
            }
            return pairs;
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Combined_partials_are_the_whole(string function, string type)
    {
        foreach (var seed in new[] { 21, 22, 23 })
        {
            // Few rows leave parts and groups empty.
            var table = await server.TableAsync(type, seed, seed == 23 ? 12 : Rows);
            var plan = new AggregatePlan(function, type);
            foreach (var filter in new[] { "", "FILTER (WHERE id % 3 = 0)" })
            {
                foreach (short format in new short[] { 0, 1 })
                {
                    var binding = new MergeBinding { Formats = [format], MaxBytes = 1 << 20 };
                    var what = $"{function}({type}) {filter}, seed {seed}, format {format}";
                    var call = plan.Call(filter);
                    var expected = await server.RowsAsync($"SELECT g, {call} FROM {table} WHERE v::text <> ALL (ARRAY[{plan.Excluded}]::text[]) OR v IS NULL GROUP BY g ORDER BY g", format);
                    var source = $"FROM {table} WHERE (v::text <> ALL (ARRAY[{plan.Excluded}]::text[]) OR v IS NULL) AND part = {{part}}";
                    var sorted = await server.MergeAsync($"SELECT g, {plan.Partials(filter)} {source} GROUP BY g ORDER BY g", plan.Spec(sorted: true), binding);
                    Compare(plan, sorted, expected, $"sorted: {what}");
                    var hashed = await server.MergeAsync($"SELECT g, {plan.Partials(filter)} {source} GROUP BY g", plan.Spec(sorted: false), binding);
                    Compare(plan, hashed, expected, $"hashed: {what}");
                    expected = await server.RowsAsync($"SELECT 1, {call} FROM {table} WHERE v::text <> ALL (ARRAY[{plan.Excluded}]::text[]) OR v IS NULL", format);
                    var single = await server.MergeAsync($"SELECT 1, {plan.Partials(filter)} {source}", plan.Ungrouped(), binding);
                    Compare(plan, single, expected, $"one group: {what}");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Distinct_values_count_once(string function, string type)
    {
        var plan = new AggregatePlan(function, type);
        foreach (var seed in new[] { 21, 23 })
        {
            var table = await server.TableAsync(type, seed, seed == 23 ? 12 : Rows);
            foreach (var filter in new[] { "", "FILTER (WHERE id % 3 = 0)" })
            {
                foreach (short format in new short[] { 0, 1 })
                {
                    var binding = new MergeBinding { Formats = [format], MaxBytes = 1 << 20 };
                    var expected = await server.RowsAsync($"SELECT g, {plan.Call(filter, distinct: true)} FROM {table} WHERE v::text <> ALL (ARRAY[{plan.Excluded}]::text[]) OR v IS NULL GROUP BY g ORDER BY g", format);
                    var actual = await server.MergeAsync(
                        $"SELECT g, {plan.Partials(filter, distinct: true)}, {plan.Argument} FROM {table} WHERE (v::text <> ALL (ARRAY[{plan.Excluded}]::text[]) OR v IS NULL) AND part = {{part}} GROUP BY g, {plan.Argument} ORDER BY g, {plan.Argument}",
                        plan.DistinctSpec(),
                        binding);
                    Compare(plan, actual, expected, $"{function}(DISTINCT {type}) {filter}, seed {seed}, format {format}");
                }
            }
        }
    }

    private static void Compare(AggregatePlan plan, List<byte[]> actual, List<byte[]> expected, string what)
    {
        if (!plan.DependsOnOrder)
        {
            MergeServer.ShouldBeSame(Comparable(actual), Comparable(expected), what);
            return;
        }
        // The variance of floats is rounded at every step.
        actual.Count.ShouldBe(expected.Count, what);
        foreach (var (a, e) in actual.OrderBy(Key, StringComparer.Ordinal).Zip(expected.OrderBy(Key, StringComparer.Ordinal)))
            FloatRows.ShouldBeClose(a, e, what);
    }

    private static List<byte[]> Comparable(List<byte[]> rows) => [.. rows.Select(FloatRows.WithoutSignOfNaN).OrderBy(MergeServer.Show, StringComparer.Ordinal)];

    private static string Key(byte[] frame) => MergeServer.Show(frame).Split(" | ")[0];
}
