using System.Globalization;
using ShardProxy.Configuration;
using ShardProxy.Listening.Admin;

namespace ShardProxy.Control.Admin;

/// <summary>The configuration in force, without passwords.</summary>
internal sealed class ShowConfig : AdminTable
{
    public override string Name => "CONFIG";

    public override IReadOnlyList<AdminColumn> Columns { get; } = [Text("key"), Text("value")];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var config = view.Config;
        var rows = new List<object?[]>();
        void Add(string key, object? value) => rows.Add([key, Show(value)]);

        Add("listen.address", config.Listen.Address);
        Add("listen.tls.mode", config.Listen.Tls.Mode);
        Add("listen.tls.certificate", config.Listen.Tls.Certificate);
        Add("transport.engine", config.Transport.Engine);
        Add("transport.loops", config.Transport.Loops);
        Add("transport.placement", config.Transport.Placement);
        Add("authentication.pass_through", config.Authentication.PassThrough);
        foreach (var user in config.Users)
            Add($"users.{user.Name}", $"server_user {user.ServerUser ?? user.Name}{(user.IsAdmin ? ", admin" : "")}");
        foreach (var database in config.Databases)
            AddDatabase(Add, database);
        var limits = config.Limits;
        Add("limits.max_clients", limits.MaxClients);
        Add("limits.max_message_bytes", limits.MaxMessageBytes);
        Add("limits.login_timeout", limits.LoginTimeout);
        Add("limits.connect_timeout", limits.ConnectTimeout);
        Add("limits.lease_timeout", limits.LeaseTimeout);
        Add("limits.query_timeout", limits.QueryTimeout);
        Add("limits.idle_in_transaction_timeout", limits.IdleInTransactionTimeout);
        Add("limits.commit_timeout", limits.CommitTimeout);
        Add("limits.drain_timeout", limits.DrainTimeout);
        Add("limits.statement_cache", limits.StatementCacheBytes);
        Add("limits.prepared_statement_cache", limits.PreparedStatementCacheBytes);
        Add("log.format", config.Log.Format);
        Add("log.level", config.Log.Level);
        Add("log.slow_query", config.Log.SlowQuery);
        return new(rows);
    }

    private static void AddDatabase(Action<string, object?> add, DatabaseConfig database)
    {
        var path = $"databases.{database.Name}";
        add($"{path}.buckets", database.Buckets);
        add($"{path}.pool.mode", database.Pool.Mode);
        add($"{path}.pool.size", database.Pool.Size);
        add($"{path}.gather.max_bytes", database.Gather.MaxBytes);
        add($"{path}.gather.on", database.Gather.Server is { } server ? server : database.Gather.On);
        add($"{path}.gather.key_lists_from", database.Gather.KeyListsFrom);
        add($"{path}.cross_shard_writes", database.CrossShardWrites == CrossShardWrites.BestEffort ? "best_effort" : database.CrossShardWrites);
        foreach (var shard in database.Shards)
            add($"{path}.shards.{shard.Name}", shard.Primary);
        foreach (var (name, table) in database.Tables)
            add($"{path}.tables.{name}", table.Reference ? "reference" : $"key {table.Key}, {table.ColocateWith ?? table.Strategy}");
        add($"{path}.directory.store", database.Directory.Store);
        add($"{path}.directory.path", database.Directory.Path);
        if (database.Directory.Redis is not { } redis)
            return;
        add($"{path}.directory.url", redis);
        add($"{path}.directory.prefix", database.Directory.Prefix);
        add($"{path}.directory.lease", database.Directory.Lease);
    }

    private static string? Show(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        TimeSpan time => time == TimeSpan.Zero ? "0" : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds}ms"),
        Enum word => word.ToString().ToLowerInvariant(),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture),
    };
}
