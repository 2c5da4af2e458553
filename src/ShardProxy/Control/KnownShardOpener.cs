using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;
using ShardProxy.Transport;

namespace ShardProxy.Control;

/// <summary>
/// Opens no connection to a shard whose catalog was never read: the object ids in its answers could mean other types
/// than the client takes them for. A shard that was down when the proxy started is read at its first use.
/// </summary>
internal sealed class KnownShardOpener(IServerOpener inner, Database database, int shard) : IServerOpener
{
    public async Task<ServerConnection> OpenAsync(ServerPool pool, EventLoop loop)
    {
        var isNew = !IsKnown;
        if (isNew)
            await database.Control.RefreshCatalogAsync();
        if (!IsKnown)
        {
            throw new ServerOpenException(
                new ServerError(SqlStates.CannotConnectNow, $"the catalog of shard \"{database.ShardName(shard)}\" ({database.Shards[shard].Primary}) cannot be read"));
        }
        // The statement was planned for shards that are alike.
        if (isNew && !database.Routing.Catalog.AreShardsAlike)
            throw new ServerOpenException(new ServerError(SqlStates.CannotConnectNow, $"shard \"{database.ShardName(shard)}\" has just become known, and its settings differ from the home shard's") { Hint = "Try again." });
        return await inner.OpenAsync(pool, loop);
    }

    public Task CancelAsync(ServerConnection server) => inner.CancelAsync(server);

    private bool IsKnown => database.Routing.Catalog.IsShardKnown(shard);
}
