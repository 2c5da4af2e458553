using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Planning;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// Relations that the open block has made, or named so, on every shard: partitions, views, renamed tables and indexes. The catalog
/// from which statements are planned does not have them before COMMIT and takes them for the home shard's. A shard other than home
/// knows better, within the block.
/// </summary>
internal static class OwnRelations
{
    /// <summary>
    /// Relations that are new to the catalog since the oldest transaction that is still open: the block's own, and a few others.
    /// Each as <c>schema.relation</c> behind a letter: t for what has rows of its own, o for others.
    /// </summary>
    private const string Query = """
        SELECT CASE WHEN c.relkind IN ('r', 'p') THEN 't' ELSE 'o' END || n.nspname || '.' || c.relname
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'i', 'I', 'S') AND n.nspname OPERATOR(pg_catalog.!~) '^(pg_|shardproxy)'
        AND pg_catalog.age(c.xmin) OPERATOR(pg_catalog.<=) pg_catalog.age(pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::xid)
        """;

    private const int OtherShard = 1;

    /// <summary>Whether <see cref="PlaceAsync"/> must be asked; it talks to a server.</summary>
    public static bool MayMean(Session session, PlannedStatement planned) =>
        session.Transaction is { IsOpen: true, ChangedCatalog: true }
        && (planned.Traits & Traits.NamesUnknownRelation) != 0
        && planned.Plan is not (EveryShardPlan or RefusedPlan or TransactionPlan)
        && session.Database.ShardCount > OtherShard
        && session.Servers.HasJoined(OtherShard);

    /// <returns>The plan for every shard if the statement defines something about such a relation.</returns>
    /// <exception cref="SqlErrorException">It reads or writes one (0A000).</exception>
    public static async ValueTask<PlannedStatement> PlaceAsync(Session session, PlannedStatement planned, ReadOnlyMemory<byte> sql)
    {
        var server = await session.Servers.GetAsync(OtherShard);
        var found = await ServerValues.ReadAsync(session, server, Query) ?? throw new SqlErrorException(session.Relay.SwallowedError!);
        var catalog = session.Planning().Routing.Catalog;
        foreach (var relation in found)
        {
            var dot = relation!.IndexOf('.', StringComparison.Ordinal);
            var name = new QualifiedName(relation[1..dot], relation[(dot + 1)..]);
            if (catalog.FindRelation(name) is not null || !OwnDefinitions.Mentions(sql.Span, name.Name))
                continue;
            if (!OwnDefinitions.Uses(planned.Verb))
                return planned with { Plan = new EveryShardPlan(null) };
            // Views are OwnDefinitions' matter: one of reference tables may be read.
            if (relation[0] == 't')
                throw OwnDefinitions.Refusal(name.Name);
        }
        return planned;
    }
}
