using System.Text.Json;
using Folders = System.IO.Directory;

namespace ShardProxy.Control.Embedded;

/// <summary>
/// The folder of an embedded cluster, held by one process at a time: the state file, the proxy's configuration, its
/// directory and log, and, where the servers' account can reach it, the servers' folders.
/// </summary>
internal sealed class ClusterFolder : IDisposable
{
    private const string StateFile = "cluster.json";

    private readonly FileStream _lock;

    private ClusterFolder(string path, FileStream lockFile)
    {
        Path = path;
        _lock = lockFile;
    }

    public string Path { get; }

    public string ConfigurationFile => In("shardproxy.yaml");

    public string DirectoryFile => In("shardproxy.directory.db");

    public string LogFile => In("shardproxy.log");

    public string ServersFolder => In("servers");

    /// <exception cref="EmbeddedException">The folder cannot be made, or another process has it.</exception>
    public static ClusterFolder Open(string path)
    {
        Folders.CreateDirectory(path);
        try
        {
            // FileShare.None is a lock of the operating system: it goes with the process, however that ends.
            var lockFile = new FileStream(System.IO.Path.Combine(path, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new ClusterFolder(path, lockFile);
        }
        catch (IOException exception) when (exception is not (FileNotFoundException or DirectoryNotFoundException or PathTooLongException))
        {
            throw new EmbeddedException($"The cluster in {path} is already running. Stop it, or choose another folder with --data.", exception);
        }
    }

    /// <summary>Null when the folder holds no cluster yet.</summary>
    public async Task<ClusterState?> LoadAsync(CancellationToken cancellationToken)
    {
        var path = In(StateFile);
        if (!File.Exists(path))
            return null;
        try
        {
            await using var stream = File.OpenRead(path);
            return await JsonSerializer.DeserializeAsync(stream, ClusterStateJson.Default.ClusterState, cancellationToken);
        }
        catch (JsonException exception)
        {
            throw new EmbeddedException($"{path} cannot be read; --reset makes the cluster anew.", exception);
        }
    }

    public Task SaveAsync(ClusterState state, CancellationToken cancellationToken) =>
        PrivateFile.WriteAsync(In(StateFile), JsonSerializer.Serialize(state, ClusterStateJson.Default.ClusterState), cancellationToken);

    /// <summary>Deletes what a cluster is made of and nothing else.</summary>
    public void Reset(ClusterState? state)
    {
        if (state is not null && Folders.Exists(state.ServersFolder))
            Folders.Delete(state.ServersFolder, recursive: true);
        if (Folders.Exists(ServersFolder))
            Folders.Delete(ServersFolder, recursive: true);
        foreach (var file in new[] { StateFile, ConfigurationFile, LogFile, DirectoryFile, DirectoryFile + "-wal", DirectoryFile + "-shm", DirectoryFile + "-journal" })
            File.Delete(In(file));
    }

    public void Dispose() => _lock.Dispose();

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
