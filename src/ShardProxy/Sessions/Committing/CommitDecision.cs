namespace ShardProxy.Sessions.Committing;

/// <summary>What the deciding shard says of a transaction.</summary>
public enum CommitDecision
{
    /// <summary>It could not be asked.</summary>
    Unknown,
    Committed,

    /// <summary>For ever: a record says so, and keeps a commit from being recorded.</summary>
    RolledBack,
}
