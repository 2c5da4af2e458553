using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each transaction over several shards that is being committed here or was found prepared.</summary>
internal sealed class ShowTransactions : AdminTable
{
    public override string Name => "TRANSACTIONS";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [Text("database"), Text("transaction"), Text("decided_by"), Text("prepared_on"), Integer("age_ms"), Text("state")];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, commits) in view.Commits)
        {
            var found = commits.Unfinished;
            foreach (var each in found)
            {
                rows.Add(
                [
                    database, each.Transaction.Id, each.Transaction.Decider, each.ShardNames, (long)each.Age.TotalMilliseconds,
                    commits.Commits.IsInFlight(each.Transaction.Id) ? "in flight" : each.State ?? "prepared",
                ]);
            }
            foreach (var transaction in commits.Commits.InFlight)
            {
                if (!found.Any(each => each.Transaction.Id == transaction.Id))
                    rows.Add([database, transaction.Id, transaction.Decider, null, null, "in flight"]);
            }
        }
        return new(rows);
    }
}
