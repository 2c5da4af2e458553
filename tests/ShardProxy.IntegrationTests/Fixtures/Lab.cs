namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>
/// The set-up that most suites share: a proxy before three shards (the subject) and one PostgreSQL that holds all the
/// data (the reference), both with the same tables. With SHARDPROXY_TEST_DIRECT=1 the subject is a second database of
/// the reference server: the suites then test themselves.
/// </summary>
public sealed class Lab : IAsyncLifetime
{
    private const string DirectDatabase = "subject";

    private Cluster? _cluster;
    private ProxyProcess? _proxy;

    public static bool IsDirect { get; } = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_DIRECT") == "1";

    /// <summary>With SHARDPROXY_TEST_GATHER=1 rows are brought together beside the shards, on a database of the reference server.</summary>
    private static bool GathersBeside { get; } = Environment.GetEnvironmentVariable("SHARDPROXY_TEST_GATHER") == "1";

    public Cluster Cluster => _cluster!;

    public ProxyProcess Proxy => _proxy ?? throw new InvalidOperationException("There is no proxy when the suites test themselves");

    public Endpoint Reference => Cluster.ReferenceEndpoint;

    public Endpoint Subject { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _cluster = await Cluster.StartAsync(IsDirect ? 0 : 3, withReference: true);
        if (IsDirect)
        {
            await _cluster.Reference.ExecuteAsync($"CREATE DATABASE {DirectDatabase}");
            Subject = Reference with { Database = DirectDatabase };
        }
        else
        {
            for (var shard = 0; shard < _cluster.Shards.Count; shard++)
                await LabSchema.ShiftObjectIdsAsync(_cluster.Shards[shard], 7 * shard);
            if (GathersBeside)
                await _cluster.Reference.ExecuteAsync("CREATE DATABASE gather");
            var place = GathersBeside ? $", on: {ProxyOptions.Quoted(ProxyOptions.Target(_cluster.Reference.Port, "gather"))}" : "";
            _proxy = await _cluster.StartProxyAsync(new ProxyOptions(Tables: LabSchema.Tables, Gather: $"{{ key_lists_from: 0{place} }}"));
            Subject = _proxy.Endpoint;
            await LabSchema.AlignObjectIdsAsync(_cluster.Reference, _cluster.Shards[0]);
        }
        await LabSchema.CreateAsync(Reference);
        await LabSchema.CreateAsync(Subject);
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }
}

/// <summary>Test classes of this collection share one <see cref="Lab"/> and run one after another.</summary>
[CollectionDefinition(Name)]
public sealed class LabCollection : ICollectionFixture<Lab>
{
    public const string Name = "lab";
}

/// <summary>As <see cref="LabCollection"/>, for the suites of real clients, which have a lab of their own.</summary>
[CollectionDefinition(Name)]
public sealed class ClientsCollection : ICollectionFixture<Lab>
{
    public const string Name = "clients";
}
