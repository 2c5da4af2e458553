namespace ShardProxy.Configuration;

/// <summary>Reads <c>limits</c>.</summary>
internal static class LimitsSection
{
    // A frame's smallest useful bound: a login and an error must fit. The largest is PostgreSQL's own (MaxAllocSize, utils/memutils.h).
    private const int SmallestMessage = 64 << 10;
    private const int LargestMessage = 1 << 30;
    private const long SmallestCache = 64 << 10;
    private const long LargestCache = 1L << 36;

    public static LimitsConfig Read(Section section)
    {
        using var _ = section;
        var defaults = LimitsConfig.Default;
        return new LimitsConfig(
            section.Number("max_clients", defaults.MaxClients, 1, 1_000_000),
            (int)section.Size("max_message_bytes", defaults.MaxMessageBytes, SmallestMessage, LargestMessage),
            section.Duration("login_timeout", defaults.LoginTimeout),
            section.Duration("connect_timeout", defaults.ConnectTimeout),
            section.Duration("lease_timeout", defaults.LeaseTimeout),
            section.Duration("query_timeout", defaults.QueryTimeout),
            section.Duration("idle_in_transaction_timeout", defaults.IdleInTransactionTimeout),
            section.Duration("drain_timeout", defaults.DrainTimeout),
            section.Size("statement_cache", defaults.StatementCacheBytes, SmallestCache, LargestCache),
            section.Size("prepared_statement_cache", defaults.PreparedStatementCacheBytes, SmallestCache, LargestCache))
        {
            CommitTimeout = section.Duration("commit_timeout", defaults.CommitTimeout),
            MergeBytes = section.Size("merge_bytes", defaults.MergeBytes, SmallestCache, LargestCache),
        };
    }
}
