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
