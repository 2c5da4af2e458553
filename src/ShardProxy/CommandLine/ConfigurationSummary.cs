using ShardProxy.Configuration;
using Spectre.Console;

namespace ShardProxy.CommandLine;

/// <summary>What a configuration comes to, for <c>shardproxy check</c>. No password stands in it.</summary>
internal static class ConfigurationSummary
{
    public static Table Of(ProxyConfig config)
    {
        var table = new Table().Border(TableBorder.Simple).HideHeaders().AddColumn("what").AddColumn("value");
        Add(table, "listen", $"{config.Listen.Address}, TLS {Word(config.Listen.Tls.Mode)}");
        Add(table, "users", UsersOf(config));
        foreach (var database in config.Databases)
        {
            Add(table, $"database {database.Name}", $"{database.Buckets} buckets, pool {Word(database.Pool.Mode)} of {database.Pool.Size}");
            for (var i = 0; i < database.Shards.Count; i++)
                Add(table, $"  shard {database.Shards[i].Name}", $"{database.Shards[i].Primary}{(i == 0 ? " (home)" : "")}");
            foreach (var (name, distribution) in database.Tables)
                Add(table, $"  table {name}", Describe(distribution));
        }
        return table;
    }

    private static string UsersOf(ProxyConfig config)
    {
        var names = config.Users.Select(static user => user.Name).ToList();
        if (config.Authentication.PassThrough)
            names.Add(names.Count == 0 ? "those of the home shard" : "others of the home shard");
        return string.Join(", ", names);
    }

    private static string Describe(TableConfig table)
    {
        if (table.Reference)
            return "reference: all of it on every shard";
        return table.ColocateWith is null ? $"sharded by {table.Key}" : $"sharded by {table.Key}, beside {table.ColocateWith}";
    }

    private static string Word<T>(T value)
        where T : struct, Enum => value is TlsMode.VerifyClient ? "verify-client" : value.ToString().ToLowerInvariant();

    private static void Add(Table table, string what, string value) => table.AddRow(Markup.Escape(what), Markup.Escape(value));
}
