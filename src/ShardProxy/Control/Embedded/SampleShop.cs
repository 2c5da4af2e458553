using System.Globalization;
using Npgsql;

namespace ShardProxy.Control.Embedded;

/// <summary>
/// The sample data, loaded through the proxy as an application would: users and their orders, sharded by the user, and
/// products, which every shard has. The same rows every time.
/// </summary>
internal static class SampleShop
{
    public const int Users = 1_000;
    public const int Products = 40;
    public const int Orders = 5_000;

    private const int Seed = 2026;

    // A run that was cut off while loading begins again.
    private static readonly string[] Tables =
    [
        "DROP TABLE IF EXISTS orders",
        "DROP TABLE IF EXISTS users",
        "DROP TABLE IF EXISTS products",
        "CREATE TABLE users (id bigint PRIMARY KEY, name text NOT NULL, email text NOT NULL, city text NOT NULL, joined date NOT NULL)",
        "CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL, price numeric(8,2) NOT NULL)",
        """
        CREATE TABLE orders (
            user_id bigint NOT NULL REFERENCES users (id),
            id bigint NOT NULL,
            product_id int NOT NULL REFERENCES products (id),
            quantity int NOT NULL,
            ordered_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (user_id, id))
        """,
    ];

    private static readonly string[] Names = ["Ada", "Bela", "Chen", "Dina", "Emil", "Fatima", "Goran", "Hana", "Ines", "Jonas", "Kaito", "Lena", "Mira", "Nils", "Oda", "Pavel"];
    private static readonly string[] Families = ["Abe", "Berg", "Costa", "Diaz", "Eklund", "Fischer", "Gruber", "Horvat", "Ito", "Jansen", "Kovac", "Lund", "Moreau", "Novak"];
    private static readonly string[] Cities = ["Berlin", "Graz", "Kyoto", "Lagos", "Lima", "Lyon", "Oslo", "Porto", "Quito", "Turin"];
    private static readonly string[] Kinds = ["Lamp", "Chair", "Table", "Kettle", "Mug", "Shelf", "Rug", "Clock"];
    private static readonly string[] Colours = ["white", "black", "green", "blue", "oak"];

    public static async Task LoadAsync(string url, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(ConnectionString(url));
        await connection.OpenAsync(cancellationToken);
        foreach (var statement in Tables)
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        var random = new Random(Seed);
        await CopyAsync(connection, "COPY users (id, name, email, city, joined) FROM STDIN", UserLines(random), cancellationToken);
        await CopyAsync(connection, "COPY products (id, name, price) FROM STDIN", ProductLines(random), cancellationToken);
        await CopyAsync(connection, "COPY orders (user_id, id, product_id, quantity, ordered_at) FROM STDIN", OrderLines(random), cancellationToken);
    }

    private static string ConnectionString(string url)
    {
        var target = new Uri(url);
        return new NpgsqlConnectionStringBuilder
        {
            Host = target.Host,
            Port = target.Port,
            Username = target.UserInfo.Split(':')[0],
            Password = target.UserInfo.Split(':')[1],
            Database = target.AbsolutePath[1..],
            SslMode = SslMode.Disable,
            Pooling = false,
        }.ConnectionString;
    }

    private static async Task CopyAsync(NpgsqlConnection connection, string statement, IEnumerable<string> lines, CancellationToken cancellationToken)
    {
        await using var copy = await connection.BeginTextImportAsync(statement, cancellationToken);
        foreach (var line in lines)
            await copy.WriteAsync(line.AsMemory(), cancellationToken);
    }

    private static IEnumerable<string> UserLines(Random random)
    {
        for (var id = 1; id <= Users; id++)
        {
            var name = Pick(random, Names);
            var family = Pick(random, Families);
            var joined = new DateOnly(2024, 1, 1).AddDays(random.Next(700));
            yield return Line($"{id}\t{name} {family}\t{name.ToLowerInvariant()}.{family.ToLowerInvariant()}{id}@example.com\t{Pick(random, Cities)}\t{joined:yyyy-MM-dd}\n");
        }
    }

    private static IEnumerable<string> ProductLines(Random random)
    {
        for (var id = 1; id <= Products; id++)
            yield return Line($"{id}\t{Kinds[(id - 1) % Kinds.Length]}, {Colours[(id - 1) / Kinds.Length % Colours.Length]}\t{random.Next(4, 200)}.{random.Next(100):00}\n");
    }

    private static IEnumerable<string> OrderLines(Random random)
    {
        for (var id = 1; id <= Orders; id++)
        {
            var at = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMinutes(id * 60 + random.Next(60));
            yield return Line($"{random.Next(1, Users + 1)}\t{id}\t{random.Next(1, Products + 1)}\t{random.Next(1, 6)}\t{at:yyyy-MM-dd HH:mm:ss}+00\n");
        }
    }

    private static string Pick(Random random, string[] values) => values[random.Next(values.Length)];

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}
