namespace ShardProxy.Sessions.Spreading;

/// <summary>The types of a statement's keys are not merged exactly. Thrown before anything has run or was told to the client.</summary>
public sealed class NotMergeableException() : Exception("The rows of several shards cannot be merged exactly.");
