namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>Keeps other test processes of the machine out while it is held.</summary>
public sealed class FileLock : IAsyncDisposable
{
    private readonly FileStream _file;

    private FileLock(FileStream file) => _file = file;

    public static async Task<FileLock> AcquireAsync(string path)
    {
        FileStream? file = null;
        await Until.TrueAsync(
            () =>
            {
                try
                {
                    file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                    return true;
                }
                catch (IOException)
                {
                    return false;
                }
            },
            $"{path} is free",
            TimeSpan.FromMinutes(2));
        return new FileLock(file!);
    }

    public ValueTask DisposeAsync() => _file.DisposeAsync();
}
