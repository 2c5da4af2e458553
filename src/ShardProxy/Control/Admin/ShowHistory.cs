using ShardProxy.Directory;
using ShardProxy.Listening.Admin;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Admin;

/// <summary>The latest changes of each database's directory, newest first: who, when, what.</summary>
internal sealed class ShowHistory : AdminTable
{
    private const int Limit = 1000;

    public override string Name => "HISTORY";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [Text("database"), Integer("version"), Timestamp("changed_at"), Text("changed_by"), Text("change")];

    public override async ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, routing) in view.Databases)
        {
            try
            {
                foreach (var entry in await routing.HistoryAsync(Limit, CancellationToken.None))
                    rows.Add([database.Config.Name, entry.Version, entry.When, entry.Who, entry.What]);
            }
            catch (DirectoryException exception)
            {
                throw new SqlErrorException(SqlStates.CannotConnect, exception.Message);
            }
        }
        return rows;
    }
}
