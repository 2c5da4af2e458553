using ShardProxy.Configuration;
using ShardProxy.Directory;
using ShardProxy.Directory.Redis;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.IntegrationTests.Wire;
using ShardProxy.Tests.Directory;
using ShardProxy.Tests.Transport.Tls;

namespace ShardProxy.IntegrationTests.Directory;

/// <summary>The contract of every store against a Redis that speaks TLS and wants a password, and what is said when it cannot be trusted.</summary>
public sealed class RedisTlsStoreTests : DirectoryStoreContract
{
    private const string Password = "p@ss word";

    private readonly int _port = FreePort.Next();
    private TestCertificates _certificates = null!;
    private RedisServer _redis = null!;

    public override async Task InitializeAsync()
    {
        _certificates = MakeCertificates();
        _redis = await RedisServer.StartAsync(
            "--tls-port", $"{_port}", "--tls-cert-file", _certificates.ServerCertificatePath, "--tls-key-file", _certificates.ServerKeyPath,
            "--tls-ca-cert-file", _certificates.CaPath, "--tls-auth-clients", "no", "--requirepass", Password, "--bind", "127.0.0.1", "127.0.0.2");
        await base.InitializeAsync();
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await _redis.DisposeAsync();
        _certificates.Dispose();
    }

    protected override Task<IDirectoryStore> OpenAsync() => Task.FromResult(Connect("127.0.0.1", Password, _certificates.CaPath));

    [Fact]
    public async Task A_certificate_of_an_unknown_authority_is_refused_by_name()
    {
        (await FailureAsync("127.0.0.1", Password, _certificates.StrangerCaPath)).ShouldContain("is not trusted by");
        (await FailureAsync("127.0.0.1", Password, null)).ShouldContain("directory.ca");
        (await FailureAsync("127.0.0.1", Password, "/nowhere/ca.pem")).ShouldContain("/nowhere/ca.pem cannot be read");
    }

    [Fact]
    public async Task A_certificate_for_another_host_is_refused() =>
        (await FailureAsync("127.0.0.2", Password, _certificates.CaPath)).ShouldContain("another host");

    [Fact]
    public async Task A_wrong_password_is_an_error_that_does_not_show_it()
    {
        var failure = await FailureAsync("127.0.0.1", "wrong one", _certificates.CaPath);

        failure.ShouldNotContain("wrong one");
    }

    [Fact]
    public async Task A_proxy_keeps_its_directory_there()
    {
        await using var cluster = await Cluster.StartAsync(2);
        var options = new ProxyOptions(Redis: $"rediss://:{Uri.EscapeDataString(Password)}@127.0.0.1:{_port}/0", RedisAuthority: _certificates.CaPath);
        var proxy = await cluster.StartProxyAsync(options);
        await using var client = await WireClient.ConnectAsync(proxy.Endpoint);
        await client.MustAsync("CREATE TABLE t (k int PRIMARY KEY)");
        await client.MustAsync("SELECT create_distributed_table('t', 'k')");

        var content = (await Connect("127.0.0.1", Password, _certificates.CaPath, "shardproxy").LoadAsync(PostgresServer.Database, Cancel)).ShouldNotBeNull();
        content.Tables.ShouldHaveSingleItem().Name.Name.ShouldBe("t");
    }

    private static TestCertificates MakeCertificates() => new();

    private async Task<string> FailureAsync(string host, string password, string? authority)
    {
        await using var store = Connect(host, password, authority);
        return (await Should.ThrowAsync<DirectoryUnavailableException>(async () => await store.LoadAsync("shop", Cancel))).Message;
    }

    private IDirectoryStore Connect(string host, string password, string? authority, string prefix = "test") =>
        new RedisDirectoryStore(new RedisTarget([(host, _port)], true, password, 0) { AuthorityFile = authority }, prefix, TimeProvider.System);
}
