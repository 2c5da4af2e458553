using System.Globalization;
using Microsoft.Data.Sqlite;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory.Embedded;

/// <summary>Reads and writes the rows of the embedded store; every call runs in the caller's transaction.</summary>
internal static class EmbeddedRows
{
    public static void EnsureCluster(SqliteTransaction transaction, DateTimeOffset now) =>
        Execute(
            transaction,
            "INSERT INTO cluster (only_row, id, created_at) VALUES (1, $1, $2) ON CONFLICT DO NOTHING",
            Guid.CreateVersion7(now).ToString(),
            Text(now));

    public static void WriteCluster(SqliteTransaction transaction, string cluster) =>
        Execute(transaction, "UPDATE cluster SET id = $1 WHERE only_row = 1", cluster);

    public static string ReadCluster(SqliteTransaction transaction)
    {
        using var command = Command(transaction, "SELECT id FROM cluster");
        return (string)command.ExecuteScalar()!;
    }

    public static DirectoryContent? ReadContent(SqliteTransaction transaction, string database)
    {
        long version;
        int hashBuckets;
        long moveNumber;
        using (var command = Command(transaction, "SELECT version, hash_buckets, move_number FROM database WHERE name = $1", database))
        using (var reader = command.ExecuteReader())
        {
            if (!reader.Read())
                return null;
            version = reader.GetInt64(0);
            hashBuckets = reader.GetInt32(1);
            moveNumber = reader.GetInt64(2);
        }
        return new DirectoryContent(
            database, version, ReadCluster(transaction), ReadBuckets(transaction, database), hashBuckets,
            ReadTables(transaction, database), ReadGroups(transaction, database))
        {
            Shards = ReadShards(transaction, database),
            Moves = ReadMoves(transaction, database),
            MoveNumber = moveNumber,
        };
    }

    public static IReadOnlyList<DirectoryHistoryEntry> ReadHistory(SqliteTransaction transaction, string database, int limit)
    {
        const string Sql = "SELECT version, changed_at, changed_by, change FROM history WHERE database = $1 ORDER BY version DESC LIMIT $2";
        using var command = Command(transaction, Sql, database, limit);
        using var reader = command.ExecuteReader();
        var entries = new List<DirectoryHistoryEntry>();
        while (reader.Read())
        {
            var when = DateTimeOffset.Parse(reader.GetString(1), CultureInfo.InvariantCulture);
            entries.Add(new DirectoryHistoryEntry(reader.GetInt64(0), when, reader.GetString(2), reader.GetString(3)));
        }
        return entries;
    }

    public static void WriteNew(SqliteTransaction transaction, DirectoryContent content)
    {
        Execute(
            transaction,
            "INSERT INTO database (name, version, hash_buckets, move_number) VALUES ($1, $2, $3, $4)",
            content.Database, content.Version, content.HashBuckets, content.MoveNumber);
        WriteBuckets(transaction, content, []);
        WriteTables(transaction, content);
        WriteGroups(transaction, content);
        WriteShards(transaction, content);
        WriteMoves(transaction, content);
    }

    /// <param name="before">The version that is there, from which this one was made.</param>
    public static void WriteChanged(SqliteTransaction transaction, DirectoryContent before, DirectoryContent content)
    {
        Execute(
            transaction, "UPDATE database SET version = $2, move_number = $3 WHERE name = $1", content.Database, content.Version, content.MoveNumber);
        Execute(transaction, "DELETE FROM key_move WHERE database = $1", content.Database);
        WriteMoves(transaction, content);
        WriteBuckets(transaction, content, before.ShardOfBucket);
        Execute(transaction, "DELETE FROM declared_table WHERE database = $1", content.Database);
        WriteTables(transaction, content);
        Execute(transaction, "DELETE FROM key_group WHERE database = $1", content.Database);
        WriteGroups(transaction, content);
        Execute(transaction, "DELETE FROM joined_shard WHERE database = $1", content.Database);
        WriteShards(transaction, content);
    }

    public static void WriteHistory(SqliteTransaction transaction, DirectoryContent content, DateTimeOffset when, string who, string what) =>
        Execute(
            transaction,
            "INSERT INTO history (database, version, changed_at, changed_by, change) VALUES ($1, $2, $3, $4, $5)",
            content.Database, content.Version, Text(when), who, what);

    /// <summary>Buckets are made and change hands; none is ever taken away.</summary>
    private static void WriteBuckets(SqliteTransaction transaction, DirectoryContent content, IReadOnlyList<string> known)
    {
        const string Sql = """
            INSERT INTO bucket (database, number, shard) VALUES ($1, $2, $3)
            ON CONFLICT (database, number) DO UPDATE SET shard = excluded.shard
            """;
        for (var bucket = 0; bucket < content.ShardOfBucket.Count; bucket++)
        {
            if (bucket >= known.Count || known[bucket] != content.ShardOfBucket[bucket])
                Execute(transaction, Sql, content.Database, bucket, content.ShardOfBucket[bucket]);
        }
    }

    private static void WriteGroups(SqliteTransaction transaction, DirectoryContent content)
    {
        foreach (var group in content.Groups)
        {
            Execute(
                transaction,
                "INSERT INTO key_group (database, name, strategy, placement) VALUES ($1, $2, $3, $4)",
                content.Database, group.Name, group.Rule.Strategy, group.Rule.ToText());
        }
    }

    private static void WriteShards(SqliteTransaction transaction, DirectoryContent content)
    {
        for (var position = 0; position < content.Shards.Count; position++)
        {
            var shard = content.Shards[position];
            Execute(
                transaction,
                "INSERT INTO joined_shard (database, position, name, host, port, dbname, sslmode) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                content.Database, position, shard.Name, shard.Host, shard.Port, shard.Database, shard.SslMode);
        }
    }

    private static JoinedShard[] ReadShards(SqliteTransaction transaction, string database)
    {
        using var command = Command(transaction, "SELECT name, host, port, dbname, sslmode FROM joined_shard WHERE database = $1 ORDER BY position", database);
        using var reader = command.ExecuteReader();
        var shards = new List<JoinedShard>();
        while (reader.Read())
            shards.Add(new JoinedShard(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetString(3), reader.GetString(4)));
        return [.. shards];
    }

    private static void WriteMoves(SqliteTransaction transaction, DirectoryContent content)
    {
        foreach (var move in content.Moves)
        {
            Execute(
                transaction,
                "INSERT INTO key_move (database, number, key_group, key, from_slot, to_slot, owner) VALUES ($1, $2, $3, $4, $5, $6, $7)",
                content.Database, move.Number, move.Group, move.Key, move.From, move.To, move.Owner);
        }
    }

    private static KeyMove[] ReadMoves(SqliteTransaction transaction, string database)
    {
        const string Sql = "SELECT key_group, key, from_slot, to_slot, number, owner FROM key_move WHERE database = $1 ORDER BY number";
        using var command = Command(transaction, Sql, database);
        using var reader = command.ExecuteReader();
        var moves = new List<KeyMove>();
        while (reader.Read())
            moves.Add(new KeyMove(reader.GetString(0), reader.GetString(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetInt64(4), reader.GetString(5)));
        return [.. moves];
    }

    private static KeyGroup[] ReadGroups(SqliteTransaction transaction, string database)
    {
        using var command = Command(transaction, "SELECT name, strategy, placement FROM key_group WHERE database = $1 ORDER BY name", database);
        using var reader = command.ExecuteReader();
        var groups = new List<KeyGroup>();
        while (reader.Read())
            groups.Add(new KeyGroup(reader.GetString(0), PlacementRule.Read(reader.GetString(1), reader.GetString(2))));
        return [.. groups];
    }

    private static void WriteTables(SqliteTransaction transaction, DirectoryContent content)
    {
        const string Sql = """
            INSERT INTO declared_table (database, schema_name, table_name, kind, key_column, colocation_group, home_oid, key_number, zone_column, zone_number)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """;
        foreach (var table in content.Tables)
        {
            var distribution = table.Distribution;
            Execute(
                transaction,
                Sql,
                content.Database, table.Name.Schema, table.Name.Name,
                distribution.Kind == TableKind.Sharded ? "sharded" : "reference",
                distribution.KeyColumn, distribution.Group, (long)table.HomeOid, (long)table.KeyNumber, distribution.ZoneColumn, (long)table.ZoneNumber);
        }
    }

    private static string[] ReadBuckets(SqliteTransaction transaction, string database)
    {
        using var command = Command(transaction, "SELECT shard FROM bucket WHERE database = $1 ORDER BY number", database);
        using var reader = command.ExecuteReader();
        var shards = new List<string>();
        while (reader.Read())
            shards.Add(reader.GetString(0));
        return [.. shards];
    }

    private static DeclaredTable[] ReadTables(SqliteTransaction transaction, string database)
    {
        const string Sql = """
            SELECT schema_name, table_name, kind, key_column, colocation_group, home_oid, key_number, zone_column, zone_number
            FROM declared_table WHERE database = $1 ORDER BY schema_name, table_name
            """;
        using var command = Command(transaction, Sql, database);
        using var reader = command.ExecuteReader();
        var tables = new List<DeclaredTable>();
        while (reader.Read())
        {
            var distribution = new TableDistribution(
                new QualifiedName(reader.GetString(0), reader.GetString(1)),
                reader.GetString(2) == "sharded" ? TableKind.Sharded : TableKind.Reference,
                reader.IsDBNull(3) ? null : reader.GetString(3),
                reader.IsDBNull(4) ? null : reader.GetString(4))
            {
                ZoneColumn = reader.IsDBNull(7) ? null : reader.GetString(7),
            };
            tables.Add(new DeclaredTable(distribution, (uint)reader.GetInt64(5), reader.GetInt16(6)) { ZoneNumber = reader.GetInt16(8) });
        }
        return [.. tables];
    }

    public static IReadOnlyList<string> ReadTexts(SqliteTransaction transaction, string sql, params object?[] values)
    {
        using var command = Command(transaction, sql, values);
        using var reader = command.ExecuteReader();
        var texts = new List<string>();
        while (reader.Read())
            texts.Add(reader.GetString(0));
        return texts;
    }

    public static void Execute(SqliteTransaction transaction, string sql, params object?[] values)
    {
        using var command = Command(transaction, sql, values);
        command.ExecuteNonQuery();
    }

    public static SqliteCommand Command(SqliteTransaction transaction, string sql, params object?[] values)
    {
        var command = transaction.Connection!.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        for (var index = 0; index < values.Length; index++)
            command.Parameters.AddWithValue($"${index + 1}", values[index] ?? DBNull.Value);
        return command;
    }

    private static string Text(DateTimeOffset time) => time.ToString("O", CultureInfo.InvariantCulture);
}
