namespace ShardProxy.Configuration;

/// <summary>Names that a configuration cannot give away.</summary>
public static class ReservedNames
{
    /// <summary>The database that is the admin console.</summary>
    public const string AdminDatabase = "shardproxy";
}
