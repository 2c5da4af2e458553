using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each database: where its directory is, how it answers, and which version this proxy serves.</summary>
internal sealed class ShowDirectory : AdminTable
{
    public override string Name => "DIRECTORY";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        Text("database"), Text("cluster"), Text("store"), Text("location"), Integer("version"), Integer("served"), Text("state"), Text("failure"),
        Timestamp("last_answer"), Boolean("lease_held"), Boolean("from_local_copy"), Text("local_copy"),
    ];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, routing) in view.Databases)
        {
            var directory = routing.Directory;
            var health = directory.Store.Health;
            rows.Add(
            [
                database.Config.Name, directory.Content.Cluster, database.Config.Directory.Store, directory.Store.Location, directory.Content.Version,
                routing.Current.Directory.Version, health.State, health.Failure, health.LastAnswer, !routing.Current.Directory.IsLeaseLost,
                directory.IsFromCopy, directory.Copy?.Path,
            ]);
        }
        return new(rows);
    }
}
