using ShardProxy.Configuration;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>Which transport engine the tests' proxies use: SHARDPROXY_TEST_ENGINE (auto, io_uring, epoll, sockets), else what the proxy takes by itself.</summary>
internal static class TestEngine
{
    /// <summary>As in the configuration.</summary>
    internal static string Name { get; } = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_ENGINE") is { Length: > 0 } name ? name : "auto";

    /// <summary>SHARDPROXY_TEST_PLACEMENT: <c>restless</c> takes every session to another loop after each statement.</summary>
    internal static string Placement { get; } = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_PLACEMENT") is { Length: > 0 } name ? name : "auto";

    internal static TransportConfig Loops(int count) => new(
        Name switch
        {
            "io_uring" => TransportEngine.Uring,
            "epoll" => TransportEngine.Epoll,
            "sockets" => TransportEngine.Sockets,
            _ => TransportEngine.Auto,
        },
        count);
}
