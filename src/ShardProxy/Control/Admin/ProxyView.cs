using ShardProxy.Configuration;
using ShardProxy.Control.Recovery;
using ShardProxy.Control.Routing;
using ShardProxy.Listening;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Admin;

/// <summary>The parts of a running proxy that the console looks at.</summary>
/// <param name="Config">The configuration in force.</param>
/// <param name="ClientCount">Connections, those that are still logging in included.</param>
internal sealed record ProxyView(
    ProxyConfig Config,
    IReadOnlyList<(Database Database, DatabaseRouting Routing)> Databases,
    IReadOnlyList<(string Database, CommitControl Commits)> Commits,
    SessionRegistry Sessions,
    int ClientCount,
    DateTimeOffset Started,
    string Version);
