using System.Globalization;
using System.Text;

namespace ShardProxy.Control.Embedded;

/// <summary>The shardproxy.yaml of an embedded cluster, written at each start: the servers' ports may have changed.</summary>
internal static class EmbeddedConfiguration
{
    public static string Write(ClusterState state, int port, string directoryFile)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $$"""
            # Written by ./run at every start.
            listen: { address: 127.0.0.1:{{port}}, tls: { mode: disable } }
            users:
              - { name: {{ShardPreparation.AppUser}}, password: "{{state.AppPassword}}" }
            databases:
              {{ShardPreparation.Database}}:
                buckets: 1024
                pool: { mode: transaction, size: 20 }
                shards:

            """);
        for (var i = 0; i < state.ShardCount; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $$"""
                      - { name: {{ClusterState.ShardName(i)}}, primary: "host=127.0.0.1 port={{state.Ports[i]}} dbname={{ShardPreparation.Database}} user={{ShardPreparation.AppUser}} password={{state.AppPassword}} sslmode=disable" }

                """);
        }
        text.Append(CultureInfo.InvariantCulture, $$"""
                tables:
                  users:    { key: id }
                  orders:   { key: user_id, colocate_with: users }
                  products: { reference: true }
                directory: { store: embedded, path: {{Quote(directoryFile)}} }
            limits: { drain_timeout: 5s }
            log: { format: text, level: information, slow_query: 1s }

            """);
        return text.ToString();
    }

    // A dollar sign in a path is not a variable.
    private static string Quote(string path) =>
        $"\"{path.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("$", "$$", StringComparison.Ordinal)}\"";
}
