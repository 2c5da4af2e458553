namespace ShardProxy.Sessions.Uniqueness;

/// <summary>What a shard has for uniqueness over all shards.</summary>
/// <param name="Schema">Where its tables of entries and its functions stand.</param>
/// <param name="Secret">Known to the proxy and to the shard's functions: who gives it may change entries, and what carries a hash of it comes from the functions.</param>
public sealed record UniqueSupport(string Schema, string Secret)
{
    /// <summary>Names of entry tables, functions and triggers begin so; the index's id follows.</summary>
    public const string Prefix = Planning.Commands.UniqueKeys.UniqueTriggers;

    /// <summary>SQLSTATE of the messages by which a shard reports entries. Class SP is nobody's.</summary>
    public const string ReportState = "SPU01";

    /// <summary>The setting that says: this transaction's reports are read. Its value is part of what they are signed with.</summary>
    public const string Setting = "shardproxy.entries";

    /// <summary>The primary key of an index's entries, which stands in the errors that its server gives.</summary>
    public static string ConstraintOf(string id) => $"{Prefix}{id}_pkey";
}
