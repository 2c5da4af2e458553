using ShardProxy.IntegrationTests.Fixtures;

namespace ShardProxy.IntegrationTests.Writing;

/// <summary>A proxy before two shards, and a reference, for suites that define and drop what others might stand on.</summary>
public sealed class DefinitionCluster : IAsyncLifetime
{
    private Cluster? _cluster;

    public Cluster Cluster => _cluster!;

    public Endpoint Subject { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(2, withReference: true);
        Subject = (await _cluster.StartProxyAsync()).Endpoint;
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }
}
