namespace ShardProxy.Pooling;

/// <summary>Where a server connection is in its life; the list that it lives in is named beside each state.</summary>
public enum ServerState
{
    /// <summary>Being connected and logged in; counted by its pool, in no list.</summary>
    Opening,

    /// <summary>In its pool's idle list of one loop; nothing owed, no transaction, nobody's.</summary>
    Idle,

    /// <summary>One session's; in no list of the pool.</summary>
    Leased,

    /// <summary>Given back, being reset before the next client gets it; in no list.</summary>
    Resetting,

    /// <summary>Gone; no longer counted.</summary>
    Closed,
}
