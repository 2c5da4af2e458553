namespace ShardProxy.Control.Shards;

/// <summary>
/// Where the proxy keeps what it needs on a shard: in information_schema where the configured user may put it there, which
/// pg_dump and the tools that list tables pass by, so a dump of the application's database is that and no more; elsewhere in
/// a schema of its own.
/// </summary>
internal static class ProxySchema
{
    public const string System = "information_schema";
    public const string Own = "shardproxy";

    public static string Choose(bool mayUseSystemSchema) => mayUseSystemSchema ? System : Own;

    /// <summary>One transaction that makes the schema, if it is the proxy's own, and then what <paramref name="body"/> makes in it.</summary>
    /// <param name="lockKey">Two proxies may come at once: an advisory lock, which is the transaction's.</param>
    public static string Script(string schema, long lockKey, string body) => $"""
        BEGIN;
        SELECT pg_catalog.pg_advisory_xact_lock({lockKey});
        {(schema == Own ? $"CREATE SCHEMA IF NOT EXISTS {schema}; GRANT USAGE ON SCHEMA {schema} TO PUBLIC;" : "")}
        {body}
        COMMIT
        """;
}
