using ShardProxy.Listening.Admin;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each definition that runs on every shard, and for the last ones that have ended.</summary>
internal sealed class ShowDdl : AdminTable
{
    public override string Name => "DDL";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        Text("database"), Integer("client"), Text("statement"), Text("object"), Timestamp("since"), Text("state"), Boolean("undone_on_failure"),
        Text("done"), Text("at"), Text("to_do"),
    ];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, _) in view.Databases)
        {
            foreach (var run in database.Definitions.All)
            {
                rows.Add(
                [
                    database.Config.Name, (long)run.Client, run.Statement, run.Subject, run.Since, run.State, !run.IsOneByOne,
                    Names(run, DefinitionStep.Done), Names(run, DefinitionStep.At), Names(run, DefinitionStep.ToDo),
                ]);
            }
        }
        return new(rows);
    }

    private static string Names(DefinitionRun run, DefinitionStep step) => string.Join(", ", run.Where(step));
}
