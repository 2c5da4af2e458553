using ShardProxy.Configuration;
using ShardProxy.Directory;
using ShardProxy.Directory.Redis;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Tests.Directory;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>The contract of every store against a Redis Cluster of three nodes: all keys of a script must be in one slot.</summary>
public sealed class RedisClusterStoreTests : DirectoryStoreContract
{
    private const int Slots = 16_384;
    private const int Nodes = 3;

    private readonly List<RedisServer> _nodes = [];

    public override async Task InitializeAsync()
    {
        int? firstBus = null;
        for (var number = 0; number < Nodes; number++)
        {
            // By default the bus is at the port plus 10,000, where outgoing connections have their ports.
            var bus = FreePort.Next();
            var node = await RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-port", $"{bus}");
            firstBus ??= bus;
            _nodes.Add(node);
            await node.TryCommandAsync($"CLUSTER ADDSLOTSRANGE {number * Slots / Nodes} {((number + 1) * Slots / Nodes) - 1}");
            await node.TryCommandAsync($"CLUSTER SET-CONFIG-EPOCH {number + 1}");
            await node.TryCommandAsync($"CLUSTER MEET 127.0.0.1 {_nodes[0].Port} {firstBus}");
        }
        foreach (var node in _nodes)
            await Until.TrueAsync(async () => (await node.TryCommandAsync("CLUSTER INFO"))!.Contains("cluster_state:ok", StringComparison.Ordinal), "the cluster is whole");
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        foreach (var node in _nodes)
            await node.DisposeAsync();
    }

    protected override Task<IDirectoryStore> OpenAsync() =>
        Task.FromResult<IDirectoryStore>(new RedisDirectoryStore(new RedisTarget([.. _nodes.Select(static node => ("127.0.0.1", node.Port))], false, null, 0), "test", TimeProvider.System));
}
