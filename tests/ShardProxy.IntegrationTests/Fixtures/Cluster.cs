namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>
/// Several PostgreSQL servers to be shards, and on demand one more, the reference: a single PostgreSQL that says what
/// the right answer is.
/// </summary>
public sealed class Cluster : IAsyncDisposable
{
    private readonly string _folder = TestFolder.New("cluster");
    private readonly List<ProxyProcess> _proxies = [];
    private int _proxyCount;

    private Cluster(IReadOnlyList<PostgresServer> shards, PostgresServer? reference)
    {
        Shards = shards;
        _reference = reference;
    }

    private readonly PostgresServer? _reference;

    public IReadOnlyList<PostgresServer> Shards { get; }

    public PostgresServer Home => Shards[0];

    public PostgresServer Reference => _reference ?? throw new InvalidOperationException("This cluster was started without a reference");

    /// <summary>The reference as a client sees it.</summary>
    public Endpoint ReferenceEndpoint =>
        new(PostgresServer.Host, Reference.Port, PostgresServer.Database, PostgresServer.AppUser, PostgresServer.Password);

    public static async Task<Cluster> StartAsync(int shards, bool withReference = false, PostgresOptions? options = null)
    {
        var starts = Enumerable.Range(0, shards).Select(index => PostgresServer.StartAsync($"s{index}", options)).ToList();
        var reference = withReference ? PostgresServer.StartAsync("reference", options) : null;
        var servers = await Task.WhenAll(starts);
        return new Cluster(servers, reference is null ? null : await reference);
    }

    /// <summary>The embedded directory's file.</summary>
    public string DirectoryPath => Path.Combine(_folder, "directory.db");

    /// <summary>A proxy in front of the shards. All proxies of a cluster share one directory file.</summary>
    public async Task<ProxyProcess> StartProxyAsync(ProxyOptions? options = null)
    {
        options ??= new ProxyOptions();
        var port = FreePort.Next();
        var file = Path.Combine(_folder, $"shardproxy-{Interlocked.Increment(ref _proxyCount)}.yaml");
        await File.WriteAllTextAsync(file, options.ToYaml(port, Shards, DirectoryPath, file + ".copy"));
        var proxy = await ProxyProcess.StartAsync(file, port, options.Environment);
        _proxies.Add(proxy);
        return proxy;
    }

    /// <summary>Starts a proxy that has ended once more, on its file and port.</summary>
    public async Task<ProxyProcess> RestartProxyAsync(ProxyProcess ended)
    {
        var proxy = await ProxyProcess.StartAsync(ended.ConfigFile, ended.Endpoint.Port);
        _proxies.Add(proxy);
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_proxies.Where(static proxy => !proxy.HasExited).Select(static proxy => proxy.DisposeAsync().AsTask()));
        await Task.WhenAll(Shards.Append(_reference).OfType<PostgresServer>().Select(static server => server.DisposeAsync().AsTask()));
    }
}
