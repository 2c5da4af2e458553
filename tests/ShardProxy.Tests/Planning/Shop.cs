using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Planning;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Planning;

/// <summary>The database of the planner's tests: users and orders by user, products everywhere, settings at home.</summary>
internal static class Shop
{
    public const uint Int4 = 23;
    public const uint Int8 = 20;
    public const uint Text = 25;
    public const uint VarChar = 1043;
    public const uint Float8 = 701;
    public const uint TimestampTz = 1184;

    private static uint _nextOid = 20000;

    public static DirectorySnapshot Directory { get; } = new(
        1,
        "test",
        [
            Sharded("users", "id"),
            Sharded("orders", "user_id"),
            Sharded("order_items", "user_id"),
            Sharded("tenants", "name"),
            Sharded("events", "user_id"),
            Sharded("odd", "name"),
            Sharded("measures", "at"),
            Sharded("announced", "id"),
            new TableDistribution(new QualifiedName("public", "products"), TableKind.Reference, null, null),
            new TableDistribution(new QualifiedName("public", "countries"), TableKind.Reference, null, null),
            new TableDistribution(new QualifiedName("sales", "Orders"), TableKind.Sharded, "Key", "public.users"),
        ],
        DirectorySnapshot.SpreadEvenly(1024, 4));

    public static CatalogSnapshot Catalog { get; } = new(
        1,
        150018,
        [
            Table("users", ("id", Int8), ("name", Text), ("email", Text), ("country", Text), ("score", Float8), ("manager_id", Int8)),
            Table("orders", ("id", Int8), ("user_id", Int8), ("product_id", Int4), ("status", Text), ("total", 1700)),
            Table("order_items", ("id", Int8), ("order_id", Int8), ("user_id", Int4), ("quantity", Int4)),
            Table("tenants", ("name", VarChar), ("plan", Text)),
            Table("odd", ("name", Text), ("x", Int4)) with { Columns = [new Column("name", 1, Text, -1, false, false, false, DeterministicCollation: false)] },
            Table("measures", ("at", TimestampTz), ("value", Float8)),
            Table("events", ("user_id", Int8), ("at", TimestampTz)) with { Kind = RelationKind.PartitionedTable },
            Table("events_2024", ("user_id", Int8), ("at", TimestampTz)) with { Parent = new QualifiedName("public", "events") },
            Table("products", ("id", Int4), ("name", Text), ("owner_id", Int8)),
            Table("countries", ("code", Text), ("name", Text)),
            Table("settings", ("name", Text), ("value", Text), ("user_id", Int8)),
            Table("logs", ("id", Int8), ("user_id", Int8), ("text", Text)),
            Table("orders_id_seq") with { Kind = RelationKind.Sequence, Table = new QualifiedName("public", "orders") },
            Table("ticket_seq") with { Kind = RelationKind.Sequence },
            Table("orders_status_idx") with { Kind = RelationKind.Index, Table = new QualifiedName("public", "orders") },
            Table("settings_idx") with { Kind = RelationKind.Index, Table = new QualifiedName("public", "settings") },
            View("user_orders", " SELECT o.user_id, o.id, u.name\n   FROM (public.users u\n     JOIN public.orders o ON ((o.user_id = u.id)));", ("user_id", Int8), ("id", Int8), ("name", Text)),
            View("vip_orders", " SELECT orders.user_id AS owner, orders.id\n   FROM public.orders\n  WHERE (orders.user_id = (42)::bigint);", ("owner", Int8), ("id", Int8)),
            View("open_orders", " SELECT orders.user_id, count(*) AS n\n   FROM public.orders\n  WHERE (orders.status = 'open'::text)\n  GROUP BY orders.user_id;", ("user_id", Int8), ("n", Int8)),
            View("settings_view", " SELECT settings.name FROM public.settings;", ("name", Text)),
            View("product_names", " SELECT products.name FROM public.products;", ("name", Text)),
            Table("Orders", ("Key", Int8), ("note", Text)) with { Name = new QualifiedName("sales", "Orders") },
        ],
        [
            new FunctionInfo(new QualifiedName("public", "total_of"), FunctionVolatility.Stable, "sql", "SELECT sum(total) FROM Orders WHERE user_id = $1"),
            new FunctionInfo(new QualifiedName("public", "outer_total"), FunctionVolatility.Stable, "sql", "SELECT total_of($1)"),
            new FunctionInfo(new QualifiedName("public", "viewer"), FunctionVolatility.Stable, "plpython3u", "return plpy.execute('select n from open_orders')"),
            new FunctionInfo(new QualifiedName("public", "touch"), FunctionVolatility.Volatile, "plpgsql", "BEGIN PERFORM 1; END"),
            new FunctionInfo(new QualifiedName("public", "tidy"), FunctionVolatility.Immutable, "sql", "SELECT lower($1)"),
            new FunctionInfo(new QualifiedName("public", "read_settings"), FunctionVolatility.Stable, "sql", "SELECT value FROM settings"),
            new FunctionInfo(new QualifiedName("public", "bump_products"), FunctionVolatility.Volatile, "plpgsql", "BEGIN UPDATE products SET name = 'x'; END"),
        ],
        []);

    public static PlanningContext Context { get; } = new(Catalog, Directory, ["public"], "app", new HashSet<string> { "scratch" })
    {
        PasswordVerifier = static password => $"SCRAM-SHA-256$of:{password}",
    };

    public static StatementTemplate Plan(string sql, PlanningContext? context = null)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(sql);
        var scanner = new ShapeScanner();
        scanner.Scan(bytes);
        return StatementPlanner.Plan(bytes, scanner, context ?? Context);
    }

    private static TableDistribution Sharded(string name, string key) =>
        new(new QualifiedName("public", name), TableKind.Sharded, key, "public.users");

    private static Relation Table(string name, params (string Name, uint Type)[] columns)
    {
        short number = 0;
        return new Relation(
            new QualifiedName("public", name),
            _nextOid++,
            RelationKind.Table,
            [.. columns.Select(column => new Column(column.Name, ++number, column.Type, -1, false, false, false, true))],
            null,
            null);
    }

    private static Relation View(string name, string definition, params (string Name, uint Type)[] columns) =>
        Table(name, columns) with { Kind = RelationKind.View, ViewDefinition = definition };
}
