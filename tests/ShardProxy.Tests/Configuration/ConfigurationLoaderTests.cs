using ShardProxy.Configuration;

namespace ShardProxy.Tests.Configuration;

public sealed class ConfigurationLoaderTests
{
    [Fact]
    public void Reads_the_example()
    {
        var config = ConfigurationText.Load(ConfigurationText.Valid);

        config.Listen.ShouldBe(new ListenConfig("127.0.0.1:6432", new TlsConfig(TlsMode.Disable, null, null, null)));
        config.Users.ShouldBe([new UserConfig("app", "pa$$word", null, null)]);
        config.Limits.ShouldBe(LimitsConfig.Default);
        config.Authentication.ShouldBe(new AuthenticationConfig(false, AuthenticationConfig.DefaultQuery));
        var shop = config.Databases.ShouldHaveSingleItem();
        shop.Name.ShouldBe("shop");
        shop.Buckets.ShouldBe(1024);
        shop.Pool.ShouldBe(new PoolConfig(PoolMode.Transaction, 20));
        shop.Shards.ShouldBe(
        [
            new ShardConfig("s0", new ConnectionTarget("127.0.0.1", 5441, "shop", "app", "x", ServerTlsMode.Prefer, null)),
            new ShardConfig("s1", new ConnectionTarget("127.0.0.1", 5442, "shop", "app", "x", ServerTlsMode.Prefer, null)),
        ]);
        shop.Tables["orders"].ShouldBe(new TableConfig("user_id", "users", false));
        shop.Tables["products"].ShouldBe(new TableConfig(null, null, true));
        shop.Directory.ShouldBe(new DirectoryConfig("embedded", "/etc/shardproxy/shardproxy.directory.db"));
    }

    [Fact]
    public void Reads_limits_log_and_authentication()
    {
        var config = ConfigurationText.Load(ConfigurationText.Valid +
            """

            authentication: { pass_through: true, query: "SELECT a, b FROM lookup($1)" }
            limits: { max_clients: 7, max_message_bytes: 64MB, query_timeout: 500ms, drain_timeout: 5m, login_timeout: 0, statement_cache: 128kB }
            log: { format: json, level: debug, slow_query: 2s }
            """);

        config.Authentication.ShouldBe(new AuthenticationConfig(true, "SELECT a, b FROM lookup($1)"));
        config.Limits.MaxClients.ShouldBe(7);
        config.Limits.MaxMessageBytes.ShouldBe(64 << 20);
        config.Limits.QueryTimeout.ShouldBe(TimeSpan.FromMilliseconds(500));
        config.Limits.DrainTimeout.ShouldBe(TimeSpan.FromMinutes(5));
        config.Limits.LoginTimeout.ShouldBe(TimeSpan.Zero);
        config.Limits.StatementCacheBytes.ShouldBe(128 << 10);
        config.Log.ShouldBe(new LogConfig(LogFormat.Json, "debug", TimeSpan.FromSeconds(2)));
    }

    [Theory]
    [InlineData("\"host=gather.example dbname=g user=u password=secret sslmode=require\"")]
    [InlineData("\"postgres://u:secret@gather.example/g?sslmode=require\"")]
    public void Reads_a_gather_server(string text)
    {
        var config = ConfigurationText.Load(ConfigurationText.Valid.Replace("    buckets: 1024", $"    buckets: 1024\n    gather: {{ on: {text} }}"));

        var gather = config.Databases[0].Gather;
        gather.On.ShouldBe(GatherOn.Server);
        gather.Server.ShouldBe(new ConnectionTarget("gather.example", 5432, "g", "u", "secret", ServerTlsMode.Require, null));
        gather.ToString().ShouldNotContain("secret");
    }

    [Theory]
    [InlineData("hme", "databases.shop.gather.on must be home, any or the connection string of a PostgreSQL beside the shards (did you mean home?).")]
    [InlineData("\"host=x password=secret\"", "databases.shop.gather.on: user is missing.")]
    [InlineData("\"host=127.0.0.1 port=5442 dbname=shop user=other\"", "databases.shop.gather.on leads to 127.0.0.1:5442/shop, which is the shard s1: it must be a PostgreSQL of its own; home and any use the shards.")]
    public void Refuses_what_is_no_gather_server(string text, string message)
    {
        var error = ConfigurationText.ErrorsOf(ConfigurationText.Valid.Replace("    buckets: 1024", $"    buckets: 1024\n    gather: {{ on: {text} }}")).ShouldHaveSingleItem();

        error.ToString().ShouldContain(message);
        error.ToString().ShouldNotContain("secret");
    }

    [Fact]
    public void Reports_every_error_with_its_place()
    {
        var errors = ConfigurationText.ErrorsOf(
            """
            listen: { adress: 127.0.0.1:6432 }
            users:
              - { name: app, password: "${NOT_SET}" }
              - { name: app, password: "SCRAM-SHA-256$4096:salt" }
            databases:
              shop:
                buckets: 1000
                pool: { mode: transactoin, size: 0 }
                shards:
                  - { name: s0, primary: "host=a port=x user=app password=geheim" }
                tables:
                  users: { key: id, reference: true }
            """);

        errors.ShouldBe(
        [
            $"{ConfigurationText.File}:1:11: listen.adress is not known here (did you mean address?).",
            $"{ConfigurationText.File}:3:28: users[0].password needs the environment variable NOT_SET, which is not set.",
            $"{ConfigurationText.File}:4:13: users[1].name: the user app is there twice.",
            $"{ConfigurationText.File}:4:28: users[1].password starts as a SCRAM verifier and is none: SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey, as in pg_authid.rolpassword.",
            $"{ConfigurationText.File}:7:14: databases.shop.buckets must be a power of two from 2 to 65536, not 1000.",
            $"{ConfigurationText.File}:8:19: databases.shop.pool.mode must be transaction or session, not transactoin (did you mean transaction?).",
            $"{ConfigurationText.File}:8:38: databases.shop.pool.size must be a whole number from 1 to 10000, not 0.",
            $"{ConfigurationText.File}:10:30: databases.shop.shards[0].primary: port must be a whole number from 1 to 65535.",
            $"{ConfigurationText.File}:12:14: databases.shop.tables.users is a reference table: every shard holds all of it, so it takes no key and no colocate_with.",
        ]);
    }

    [Theory]
    [InlineData("", "The file is empty.")]
    [InlineData("- 1", ":1:1: The file must be a mapping of keys to values.")]
    [InlineData("a: 1\n---\nb: 2", ":3:1: The file must hold one document.")]
    [InlineData("listen: {", "This is not YAML")]
    [InlineData("users: [{ name: a, password: *geheim }]", "This is not YAML: an unquoted value starts with *")]
    [InlineData("listen: 5", ":1:9: listen must be a mapping of keys to values.")]
    [InlineData("users: 5", ":1:8: users must be a list.")]
    [InlineData("listen: { address: [1] }", ":1:20: listen.address must be a single value.")]
    [InlineData("listen: { address: nowhere }", "listen.address must be host:port")]
    [InlineData("users: [{ name: a, password: b }]", "databases needs at least one database.")]
    [InlineData("users: []", "Nobody could log in")]
    [InlineData("users: [ { name: app } ]", "the user app has no password")]
    [InlineData("databases: { shop: }", "databases.shop.shards needs at least one shard.")]
    [InlineData("listen: { tls: { mode: require } }", "listen.tls needs certificate and key")]
    [InlineData("listen: { tls: { mode: verify-client, certificate: nowhere.pem } }", "there is no file /etc/shardproxy/nowhere.pem.")]
    [InlineData("limits: { query_timeout: 30 }", "limits.query_timeout must be a duration")]
    [InlineData("limits: { max_message_bytes: 1 }", "limits.max_message_bytes must be from 65536 to 1073741824 bytes, not 1.")]
    public void Says_what_is_wrong(string text, string message) =>
        ConfigurationText.ErrorsOf(text).ShouldContain(error => error.Contains(message, StringComparison.Ordinal));

    [Theory]
    [InlineData("colocate_with: users", "colocate_with: user", "there is no table user among these (did you mean users?).")]
    [InlineData("colocate_with: users", "colocate_with: products", "is a reference table, which has no key to share")]
    [InlineData("colocate_with: users", "colocate_with: orders", "leads round in a circle: orders.")]
    [InlineData("orders:   { key: user_id, ", "orders:   { ", "orders needs key")]
    [InlineData("products: { reference: true }", "public.users: { key: id }", "the table public.users is there twice")]
    [InlineData("products: { reference: true }", "a.b.c: { key: id }", "must be table or schema.table")]
    [InlineData("s1, primary: \"postgres://app:x@127.0.0.1:5442", "s1, primary: \"postgres://app:x@127.0.0.1:5441", "leads to 127.0.0.1:5441/shop, as the shard s0 does")]
    [InlineData("name: s1", "name: s0", "the shard s0 is there twice")]
    [InlineData("name: s1", "name: \"s 1\"", "must be of letters, digits")]
    [InlineData("buckets: 1024", "buckets: 1", "must be a power of two")]
    public void Checks_tables_and_shards(string right, string wrong, string message)
    {
        ConfigurationText.Valid.ShouldContain(right);

        ConfigurationText.ErrorsOf(ConfigurationText.Valid.Replace(right, wrong, StringComparison.Ordinal))
            .ShouldHaveSingleItem().ShouldContain(message);
    }

    [Fact]
    public void Reports_a_circle_at_each_of_its_links() =>
        ConfigurationText.ErrorsOf(ConfigurationText.Valid.Replace("{ key: id }", "{ key: id, colocate_with: orders }", StringComparison.Ordinal))
            .ShouldBe(
            [
                $"{ConfigurationText.File}:12:43: databases.shop.tables.users.colocate_with leads round in a circle: users and orders.",
                $"{ConfigurationText.File}:13:48: databases.shop.tables.orders.colocate_with leads round in a circle: orders and users.",
            ]);

    [Fact]
    public void Never_repeats_a_password()
    {
        var errors = ConfigurationText.ErrorsOf(
            ConfigurationText.Valid
                .Replace("password=x\"", "password=geheim sslmode=geheim2 geheim3\"", StringComparison.Ordinal)
                .Replace("postgres://app:x@", "postgres://app:geheim@[", StringComparison.Ordinal));

        errors.Count.ShouldBe(2);
        errors.ShouldAllBe(error => !error.Contains("geheim", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Says_that_a_file_is_missing()
    {
        var exception = await Should.ThrowAsync<ConfigurationException>(() => ConfigurationLoader.LoadAsync("/nowhere/x.yaml", default));

        exception.Errors.ShouldHaveSingleItem().ToString().ShouldBe("/nowhere/x.yaml: There is no such file.");
    }
}
