using ShardProxy.Merging;
using ShardProxy.Planning.Merging;

namespace ShardProxy.IntegrationTests.Merging;

/// <summary>Rows merged and sorted here against PostgreSQL's ORDER BY, for every type that we say we can order.</summary>
public sealed class OrderAgreementTests(MergeServer server) : IClassFixture<MergeServer>
{
    private const int Rows = 600;
    private const int IdColumn = 2;

    public static TheoryData<string> Types => [.. TypeSamples.Ordered.Keys];

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Merged_and_sorted_rows_stand_in_PostgreSQLs_order(string type)
    {
        var table = await server.TableAsync(type, seed: 11, Rows);
        var oid = TypeSamples.Ordered[type];
        MergeTypes.CanOrder(oid, CollationOrder.Bytewise).ShouldBeTrue();
        foreach (var (descending, nullsFirst) in new[] { (false, false), (false, true), (true, false), (true, true) })
        {
            foreach (short format in new short[] { 0, 1 })
            {
                // The visible column where its text can be compared, else the hidden one.
                var key = format == 1 || MergeTypes.ReadsText(oid) ? 0 : 3;
                var spec = new MergeSpec([new(oid, 0), new(23, 1), RowColumn.Hidden(23), RowColumn.Hidden(oid)], VisibleCount: 2);
                var keys = new SortKey[] { new(key, descending, nullsFirst), new(IdColumn, false, false) };
                var order = $"ORDER BY v {Collate(type)} {(descending ? "DESC" : "ASC")} NULLS {(nullsFirst ? "FIRST" : "LAST")}, id";
                var expected = await server.RowsAsync($"SELECT v, id FROM {table} {order}", format);
                var binding = new MergeBinding { Formats = [format], MaxBytes = 1 << 20 };
                var rows = $"SELECT v, id, id, v FROM {table} WHERE part = {{part}}";
                var what = $"{type} {order}, format {format}";
                MergeServer.ShouldBeSame(await server.MergeAsync($"{rows} {order}", spec with { Order = [.. keys] }, binding), expected, $"merged: {what}");
                MergeServer.ShouldBeSame(await server.MergeAsync(rows, spec with { Sort = [.. keys] }, binding), expected, $"sorted: {what}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Limits_and_ties_cut_where_PostgreSQL_cuts(string type)
    {
        var table = await server.TableAsync(type, seed: 11, Rows);
        var oid = TypeSamples.Ordered[type];
        var order = $"ORDER BY v {Collate(type)}";
        var spec = new MergeSpec([new(23, 0), RowColumn.Hidden(oid)], VisibleCount: 1);
        var key = new SortKey(1, false, false);
        foreach (var (limit, offset) in new[] { (0, 0), (1, 0), (10, 3), (1000, 590), (5, 1000) })
        {
            var binding = new MergeBinding { Limit = limit, Offset = offset, MaxBytes = 1 << 20 };
            var rows = $"SELECT id, v FROM {table} WHERE part = {{part}} {order}, id";
            var all = spec with { Limit = new LimitSpec([]) };
            var expected = await server.RowsAsync($"SELECT id FROM {table} {order}, id LIMIT {limit} OFFSET {offset}");
            all = new MergeSpec([new(23, 0), RowColumn.Hidden(oid), RowColumn.Hidden(23)], 1) { Limit = new LimitSpec([]) };
            var keys = new[] { key, new SortKey(2, false, false) };
            rows = $"SELECT id, v, id FROM {table} WHERE part = {{part}} {order}, id";
            MergeServer.ShouldBeSame(await server.MergeAsync(rows, all with { Order = [.. keys] }, binding), expected, $"{type} {limit} {offset}");
            MergeServer.ShouldBeSame(await server.MergeAsync(rows, all with { Sort = [.. keys] }, binding), expected, $"{type} {limit} {offset}");
            var tied = await server.RowsAsync($"SELECT count(*) FROM (SELECT id FROM {table} {order} OFFSET {offset} FETCH FIRST {limit} ROWS WITH TIES) AS r");
            var withTies = spec with { Order = [key], Limit = new LimitSpec([key]) };
            var count = (await server.MergeAsync($"SELECT id, v FROM {table} WHERE part = {{part}} {order}", withTies, binding)).Count;
            MergeServer.Show(tied[0]).ShouldBe($"DataRow {count}", $"{type} {limit} {offset} with ties");
        }
    }

    [Theory]
    [MemberData(nameof(Types))]
    public async Task Distinct_rows_are_as_many_as_PostgreSQL_has(string type)
    {
        var table = await server.TableAsync(type, seed: 11, Rows);
        var oid = TypeSamples.Ordered[type];
        var binding = new MergeBinding { MaxBytes = 1 << 20 };
        var spec = new MergeSpec([new(oid, 0), RowColumn.Hidden(oid)], VisibleCount: 1);
        var expected = MergeServer.Show((await server.RowsAsync($"SELECT count(*) FROM (SELECT DISTINCT v FROM {table}) AS r"))[0]);
        foreach (var column in MergeTypes.ReadsText(oid) ? new[] { 0, 1 } : [1])
        {
            var hashed = spec with { Distinct = new DistinctSpec([column], Sorted: false) };
            var count = (await server.MergeAsync($"SELECT v, v FROM {table} WHERE part = {{part}}", hashed, binding)).Count;
            $"DataRow {count}".ShouldBe(expected, $"{type}, column {column}");
            var sorted = spec with { Order = [new(column, false, false)], Distinct = new DistinctSpec([column], Sorted: true) };
            count = (await server.MergeAsync($"SELECT v, v FROM {table} WHERE part = {{part}} ORDER BY v {Collate(type)}", sorted, binding)).Count;
            $"DataRow {count}".ShouldBe(expected, $"{type}, sorted, column {column}");
        }
    }

    internal static string Collate(string type) => type is "text" or "varchar" or "bpchar" or "name" ? "COLLATE \"C\"" : "";
}
