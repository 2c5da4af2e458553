using ShardProxy.Listening.Admin;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each database: where gathered statements run, and what stands in the way of the gather server.</summary>
internal sealed class ShowGather : AdminTable
{
    public override string Name => "GATHER";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [Text("database"), Text("on"), Text("host"), Integer("port"), Text("dbname"), Boolean("used"), Text("problem"), Integer("connections"), Integer("in_use")];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, _) in view.Databases)
        {
            var on = database.Config.Gather.On.ToString().ToLowerInvariant();
            if (database.GatherServer is not { Target: var target, Pool: var pool, State.Problem: var problem })
                rows.Add([database.Config.Name, on, null, null, null, null, null, null, null]);
            else
                rows.Add([database.Config.Name, on, target.Host, (long)target.Port, target.Database, problem is null, problem, (long)pool.Count, (long)pool.LentCount]);
        }
        return new(rows);
    }
}
