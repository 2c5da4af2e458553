using Npgsql;
using ShardProxy.Configuration;

namespace ShardProxy.Control.Shards;

/// <summary>How Control's connections are made from a configured target.</summary>
internal static class NpgsqlSettings
{
    /// <summary>By which a proxy's own connections are known on a server, also to other proxies.</summary>
    public const string ApplicationName = "shardproxy control";

    public static NpgsqlDataSource DataSource(NpgsqlConnectionStringBuilder settings)
    {
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        // Only built-in types are read here, so a server's own need not be asked for at each first connection.
        builder.ConfigureTypeLoading(static types => types.EnableTypeLoading(false));
        return builder.Build();
    }

    public static NpgsqlConnectionStringBuilder For(ConnectionTarget target, LimitsConfig limits) => new()
    {
        Host = target.Host,
        Port = target.Port,
        Database = target.Database,
        Username = target.User,
        Password = target.Password,
        SslMode = target.SslMode switch
        {
            ServerTlsMode.Disable => SslMode.Disable,
            ServerTlsMode.Prefer => SslMode.Prefer,
            ServerTlsMode.Require => SslMode.Require,
            ServerTlsMode.VerifyCa => SslMode.VerifyCA,
            ServerTlsMode.VerifyFull => SslMode.VerifyFull,
            _ => throw new ArgumentOutOfRangeException(nameof(target), target.SslMode, "unknown sslmode"),
        },
        RootCertificate = target.SslRootCertificate,
        // Whole seconds; Npgsql takes 0 for no limit, as we do.
        Timeout = (int)Math.Ceiling(Math.Min(limits.ConnectTimeout.TotalSeconds, 1024)),
        CommandTimeout = 60,
        KeepAlive = 30,
        ApplicationName = ApplicationName,
        MinPoolSize = 0,
        ConnectionIdleLifetime = 60,
        Enlist = false,
    };
}
