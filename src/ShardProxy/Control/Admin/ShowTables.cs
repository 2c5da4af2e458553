using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each declared table; what stands in the way of using it, if anything does.</summary>
internal sealed class ShowTables : AdminTable
{
    public override string Name => "TABLES";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        Text("database"), Text("schema"), Text("table"), Text("kind"), Text("key"), Text("strategy"), Text("group"), Boolean("exists"), Text("problem"),
        Text("zone"),
    ];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, routing) in view.Databases)
        {
            var state = routing.Current;
            foreach (var table in state.Directory.Tables.Values.OrderBy(static table => table.Table.ToString(), StringComparer.Ordinal))
            {
                var sharded = table.Kind == TableKind.Sharded;
                rows.Add(
                [
                    database.Config.Name, table.Table.Schema, table.Table.Name, sharded ? "sharded" : "reference", table.KeyColumn,
                    sharded ? StrategyOf(table) : null, table.Group,
                    state.Catalog.FindRelation(table.Table) is not null, state.Catalog.FindProblem(table.Table)?.Reason, table.ZoneColumn,
                ]);
            }
        }
        return new(rows);
    }

    private static string StrategyOf(TableDistribution table) => table.Placement?.Rule switch
    {
        null => PlacementRule.Hash,
        ZoneRule zones => zones.InnerStrategy,
        var rule => rule.Strategy,
    };
}
