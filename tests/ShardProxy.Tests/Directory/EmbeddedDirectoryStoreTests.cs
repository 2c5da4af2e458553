using Microsoft.Data.Sqlite;
using ShardProxy.Directory;
using ShardProxy.Directory.Embedded;

namespace ShardProxy.Tests.Directory;

public sealed class EmbeddedDirectoryStoreTests : DirectoryStoreContract
{
    private readonly string _folder = System.IO.Directory.CreateTempSubdirectory("shardproxy-directory-").FullName;

    private string FilePath => Path.Combine(_folder, "made", "on", "demand.db");

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        System.IO.Directory.Delete(_folder, recursive: true);
    }

    protected override async Task<IDirectoryStore> OpenAsync() => await OpenAsync(FilePath);

    [Fact]
    public async Task A_second_user_of_the_file_is_told_so()
    {
        var refusal = await Should.ThrowAsync<DirectoryException>(() => OpenAsync(FilePath));

        refusal.Message.ShouldContain("in use by another process");
        refusal.Message.ShouldContain(Store.Location);
    }

    [Fact]
    public async Task A_file_of_another_program_is_left_alone()
    {
        var path = Path.Combine(_folder, "other.db");
        ExecuteOn(path, "CREATE TABLE mine (a)");

        var refusal = await Should.ThrowAsync<DirectoryException>(() => OpenAsync(path));

        refusal.Message.ShouldContain("not a ShardProxy directory");
    }

    [Fact]
    public async Task What_is_no_database_at_all_is_refused()
    {
        var path = Path.Combine(_folder, "text.db");
        await File.WriteAllTextAsync(path, new string('x', 10_000));

        (await Should.ThrowAsync<DirectoryException>(() => OpenAsync(path))).Message.ShouldContain(path);
    }

    [Fact]
    public async Task A_newer_schema_is_refused()
    {
        var path = Path.Combine(_folder, "newer.db");
        await (await OpenAsync(path)).DisposeAsync();
        ExecuteOn(path, "PRAGMA user_version = 99");

        (await Should.ThrowAsync<DirectoryException>(() => OpenAsync(path))).Message.ShouldContain("newer ShardProxy");
    }

    [Fact]
    public async Task A_file_of_the_first_schema_is_brought_up_to_date()
    {
        var path = Path.Combine(_folder, "old.db");
        ExecuteOn(
            path,
            """
            CREATE TABLE cluster (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), id TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
            CREATE TABLE database (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
            CREATE TABLE bucket (database TEXT NOT NULL REFERENCES database, number INTEGER NOT NULL, shard TEXT NOT NULL, PRIMARY KEY (database, number)) STRICT, WITHOUT ROWID;
            CREATE TABLE declared_table (
                database TEXT NOT NULL REFERENCES database, schema_name TEXT NOT NULL, table_name TEXT NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN ('sharded', 'reference')), key_column TEXT, colocation_group TEXT,
                home_oid INTEGER NOT NULL, key_number INTEGER NOT NULL, PRIMARY KEY (database, schema_name, table_name)) STRICT, WITHOUT ROWID;
            CREATE TABLE history (
                database TEXT NOT NULL REFERENCES database, version INTEGER NOT NULL, changed_at TEXT NOT NULL, changed_by TEXT NOT NULL, change TEXT NOT NULL,
                PRIMARY KEY (database, version)) STRICT, WITHOUT ROWID;
            INSERT INTO cluster VALUES (1, '01934567-89ab-7def-8123-456789abcdef', '2026-11-21T00:00:00Z');
            INSERT INTO database VALUES ('shop', 7);
            INSERT INTO bucket VALUES ('shop', 0, 's0'), ('shop', 1, 's1');
            INSERT INTO declared_table VALUES ('shop', 'public', 'users', 'sharded', 'id', 'public.users', 16400, 1);
            PRAGMA application_id = 1399345272; PRAGMA user_version = 1
            """);

        await using var store = await OpenAsync(path);

        var loaded = (await store.LoadAsync("shop", Cancel)).ShouldNotBeNull();
        (loaded.Version, loaded.HashBuckets, loaded.Groups.Count).ShouldBe((7, 2, 0));
        loaded.ShardOfBucket.ShouldBe(["s0", "s1"]);
        loaded.Tables.ShouldHaveSingleItem().Distribution.Group.ShouldBe("public.users");
    }

    private static async Task<IDirectoryStore> OpenAsync(string path) =>
        await EmbeddedDirectoryStore.OpenAsync(path, TimeSpan.FromSeconds(1), TimeProvider.System, Cancel);

    private static void ExecuteOn(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
