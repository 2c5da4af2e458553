namespace ShardProxy.Planning;

/// <summary>
/// DECLARE over a query that several shards answer: each has a cursor of its own that goes forward, and the proxy puts their rows
/// together as they are fetched.
/// </summary>
/// <param name="Query">Concatenated or ordered rows; never groups, which are all computed before the first is there.</param>
/// <param name="Head">The text before the query.</param>
/// <param name="Body">The query.</param>
/// <param name="IsForwardOnly">NO SCROLL: going back is the client's error, and not one of the proxy's limits.</param>
/// <param name="Otherwise">What is done when the servers' types turn out not to be merged exactly.</param>
public sealed record DeclarePlan(string Name, SpreadPlan Query, string Head, string Body, bool IsForwardOnly, Plan Otherwise) : Plan;
