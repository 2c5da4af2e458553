using ShardProxy.Directory;
using ShardProxy.Listening.Admin;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each proxy of the fleet that holds a lease, and the version that it serves.</summary>
internal sealed class ShowProxies : AdminTable
{
    public override string Name => "PROXIES";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
        [Text("database"), Text("proxy"), Text("name"), Integer("version"), Timestamp("started"), Timestamp("lease_ends"), Boolean("is_this")];

    public override async ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var (database, routing) in view.Databases)
        {
            try
            {
                foreach (var proxy in await routing.Directory.Store.ProxiesAsync(database.Config.Name, CancellationToken.None))
                    rows.Add([database.Config.Name, proxy.Id, proxy.Name, proxy.Version, proxy.Started, proxy.Expires, proxy.Id == routing.FleetId]);
            }
            catch (DirectoryException exception)
            {
                throw new SqlErrorException(SqlStates.CannotConnect, exception.Message);
            }
        }
        return rows;
    }
}
