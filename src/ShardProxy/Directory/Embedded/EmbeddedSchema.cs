using Microsoft.Data.Sqlite;

namespace ShardProxy.Directory.Embedded;

/// <summary>The tables of the embedded store's file and the steps from each version of them to the next.</summary>
internal static class EmbeddedSchema
{
    /// <summary>"ShPx": SQLite's application_id, which says whose file this is.</summary>
    private const int ApplicationId = 0x53685078;

    /// <summary>Step n brings a file from user_version n to n + 1. Steps are never changed once released, only added.</summary>
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE cluster (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), id TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
        CREATE TABLE database (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE bucket (
            database TEXT NOT NULL REFERENCES database, number INTEGER NOT NULL, shard TEXT NOT NULL,
            PRIMARY KEY (database, number)) STRICT, WITHOUT ROWID;
        CREATE TABLE declared_table (
            database TEXT NOT NULL REFERENCES database, schema_name TEXT NOT NULL, table_name TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('sharded', 'reference')), key_column TEXT, colocation_group TEXT,
            home_oid INTEGER NOT NULL, key_number INTEGER NOT NULL,
            PRIMARY KEY (database, schema_name, table_name)) STRICT, WITHOUT ROWID;
        CREATE TABLE history (
            database TEXT NOT NULL REFERENCES database, version INTEGER NOT NULL,
            changed_at TEXT NOT NULL, changed_by TEXT NOT NULL, change TEXT NOT NULL,
            PRIMARY KEY (database, version)) STRICT, WITHOUT ROWID;
        """,
        """
        ALTER TABLE database ADD COLUMN hash_buckets INTEGER NOT NULL DEFAULT 0;
        UPDATE database SET hash_buckets = (SELECT count(*) FROM bucket WHERE bucket.database = database.name);
        CREATE TABLE key_group (
            database TEXT NOT NULL REFERENCES database, name TEXT NOT NULL, strategy TEXT NOT NULL, placement TEXT NOT NULL,
            PRIMARY KEY (database, name)) STRICT, WITHOUT ROWID;
        """,
        """
        CREATE TABLE key_place (
            database TEXT NOT NULL REFERENCES database, key_group TEXT NOT NULL, key BLOB NOT NULL, slot INTEGER NOT NULL,
            PRIMARY KEY (database, key_group, key)) STRICT, WITHOUT ROWID;
        CREATE TABLE key_count (
            database TEXT NOT NULL REFERENCES database, key_group TEXT NOT NULL, slot INTEGER NOT NULL, keys INTEGER NOT NULL,
            PRIMARY KEY (database, key_group, slot)) STRICT, WITHOUT ROWID;
        """,
        """
        ALTER TABLE database ADD COLUMN move_number INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE key_move (
            database TEXT NOT NULL REFERENCES database, number INTEGER NOT NULL, key_group TEXT NOT NULL, key TEXT NOT NULL,
            from_slot INTEGER NOT NULL, to_slot INTEGER NOT NULL, owner TEXT NOT NULL,
            PRIMARY KEY (database, number)) STRICT, WITHOUT ROWID;
        """,
        """
        ALTER TABLE declared_table ADD COLUMN zone_column TEXT;
        ALTER TABLE declared_table ADD COLUMN zone_number INTEGER NOT NULL DEFAULT 0;
        """,
        """
        CREATE TABLE joined_shard (
            database TEXT NOT NULL REFERENCES database, position INTEGER NOT NULL, name TEXT NOT NULL,
            host TEXT NOT NULL, port INTEGER NOT NULL, dbname TEXT NOT NULL, sslmode TEXT NOT NULL,
            PRIMARY KEY (database, position)) STRICT, WITHOUT ROWID;
        """,
    ];

    /// <summary>Brings the file to the newest schema. Runs inside a write transaction, which the caller commits.</summary>
    /// <exception cref="DirectoryException">The file is another program's, or a newer ShardProxy's.</exception>
    public static void Upgrade(SqliteConnection connection, SqliteTransaction transaction, string path)
    {
        var application = Pragma(connection, transaction, "application_id");
        var version = Pragma(connection, transaction, "user_version");
        if (application != ApplicationId && (application != 0 || version != 0 || HasTables(connection, transaction)))
            throw new DirectoryException($"{path} is an SQLite file, but not a ShardProxy directory");
        if (version > Steps.Length)
            throw new DirectoryException($"{path} was written by a newer ShardProxy (schema {version}, this one knows {Steps.Length})");
        for (var step = (int)version; step < Steps.Length; step++)
            Execute(connection, transaction, Steps[step]);
        if (version < Steps.Length)
            Execute(connection, transaction, $"PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {Steps.Length}");
    }

    private static bool HasTables(SqliteConnection connection, SqliteTransaction transaction)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = "SELECT count(*) FROM sqlite_schema";
        return (long)command.ExecuteScalar()! > 0;
    }

    private static long Pragma(SqliteConnection connection, SqliteTransaction transaction, string name)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = $"PRAGMA {name}";
        return (long)command.ExecuteScalar()!;
    }

    private static void Execute(SqliteConnection connection, SqliteTransaction transaction, string sql)
    {
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
