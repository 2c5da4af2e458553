using ShardProxy.Configuration;

namespace ShardProxy.Tests.Configuration;

/// <summary>A file that is right, to be made wrong in one place.</summary>
internal static class ConfigurationText
{
    public const string File = "/etc/shardproxy/shardproxy.yaml";

    public const string Valid =
        """
        listen: { address: 127.0.0.1:6432, tls: { mode: disable } }
        users:
          - { name: app, password: "${APP_PASSWORD}" }
        databases:
          shop:
            buckets: 1024
            pool: { mode: transaction, size: 20 }
            shards:
              - { name: s0, primary: "host=127.0.0.1 port=5441 dbname=shop user=app password=x" }
              - { name: s1, primary: "postgres://app:x@127.0.0.1:5442/shop" }
            tables:
              users:    { key: id }
              orders:   { key: user_id, colocate_with: users }
              products: { reference: true }
        """;

    public static ProxyConfig Load(string text) => ConfigurationLoader.Parse(text, File, Environment);

    public static IReadOnlyList<string> ErrorsOf(string text) =>
        [.. Should.Throw<ConfigurationException>(() => Load(text)).Errors.Select(static error => error.ToString())];

    private static string? Environment(string name) => name switch
    {
        "APP_PASSWORD" => "pa$$word",
        "EMPTY" => "",
        _ => null,
    };
}
