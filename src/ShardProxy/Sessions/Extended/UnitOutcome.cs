namespace ShardProxy.Sessions.Extended;

/// <summary>What has become of a unit at Sync.</summary>
internal enum UnitOutcome
{
    /// <summary>The Sync fell into a COPY's data, where servers ignore it: the unit goes on until the next.</summary>
    GoesOn,
    Succeeded,
    Failed,
}
