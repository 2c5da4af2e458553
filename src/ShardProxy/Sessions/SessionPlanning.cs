using ShardProxy.Catalog;
using ShardProxy.Planning;

namespace ShardProxy.Sessions;

/// <summary>One immutable state to plan against: routing, search_path and who asks. Shared by all sessions for which it is the same.</summary>
/// <param name="Id">The statement cache's context: two states never share one.</param>
public sealed record SessionPlanning(long Id, RoutingState Routing, PlanningContext Context);
