using ShardProxy.Directory;

namespace ShardProxy.Planning;

/// <summary>
/// An index that is to be made on every shard. Its name may be taken on the home shard by what only that has; the other shards do
/// not know, and with IF NOT EXISTS would make it where the home shard passes over it.
/// </summary>
public sealed record NewIndex(QualifiedName Index, QualifiedName Table)
{
    /// <summary>One row on the home shard if something else than an index of the table has the name.</summary>
    public string TakenQuery => $"""
        SELECT c.relname FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({Literal(Index)})
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid OPERATOR(pg_catalog.=) c.oid
                        AND i.indrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({Literal(Table)}))
        """;

    private static string Literal(QualifiedName name) =>
        Identifiers.Literal($"{Identifiers.QuoteAlways(name.Schema)}.{Identifiers.QuoteAlways(name.Name)}");
}
