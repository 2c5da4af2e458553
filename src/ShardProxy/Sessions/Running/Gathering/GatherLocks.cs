using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Planning.Gathering;
using ShardProxy.Sessions.Writing;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>A row that moves while its shards look for it would be locked on none of them, so statements that move rows of the tables that are locked are waited for.</summary>
internal static class GatherLocks
{
    public static async ValueTask BeforeAsync(Session session, GatherPlan plan)
    {
        var routing = session.Planning().Routing;
        foreach (var table in plan.Reads.Where(static read => read.Lock is not null).Select(read => Declared(routing.Catalog, routing.Directory, read.Table)).Distinct())
            await TableLock.ShareEverywhereAsync(session, table);
    }

    // A partition counts as the table.
    private static QualifiedName Declared(CatalogSnapshot catalog, DirectorySnapshot directory, QualifiedName table)
    {
        var found = table;
        while (!directory.Tables.ContainsKey(found) && catalog.FindRelation(found)?.Parent is { } parent)
            found = parent;
        return found;
    }
}
