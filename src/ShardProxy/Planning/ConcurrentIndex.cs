using ShardProxy.Directory;

namespace ShardProxy.Planning;

/// <summary>
/// CREATE or DROP INDEX CONCURRENTLY, which runs shard by shard without undo. A shard's catalog tells whether it was done
/// there, so the statement can be run again.
/// </summary>
/// <param name="Index">The schema is the table's.</param>
public sealed record ConcurrentIndex(QualifiedName Index, bool IsDrop)
{
    /// <summary>One row if there is such an index: whether it is valid or being made, and its definition.</summary>
    public string StateQuery => $"""
        SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid OPERATOR(pg_catalog.=) i.indexrelid) THEN 'made'
                    WHEN i.indisvalid THEN 'valid' ELSE 'invalid' END || ' ' || pg_catalog.pg_get_indexdef(i.indexrelid)
        FROM pg_catalog.pg_index i WHERE i.indexrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({Literal(Name)})
        """;

    public string DropStatement => $"DROP INDEX CONCURRENTLY IF EXISTS {Name}";

    private string Name => $"{Identifiers.QuoteAlways(Index.Schema)}.{Identifiers.QuoteAlways(Index.Name)}";

    private static string Literal(string text) => $"E'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
