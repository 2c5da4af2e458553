namespace ShardProxy.IntegrationTests.Fixtures;

/// <summary>
/// The folder of this test process's files, readable by the user that servers run as. Folders of processes that are
/// gone are removed by the next one.
/// </summary>
public static class TestFolder
{
    private static readonly Lazy<string> Root = new(Create);

    /// <summary>A new folder in it.</summary>
    public static string New(string name)
    {
        var path = Path.Combine(Root.Value, $"{name}-{Guid.NewGuid().ToString("N")[..8]}");
        System.IO.Directory.CreateDirectory(path);
        return path;
    }

    private static string Create()
    {
        const string Prefix = "shardproxy-tests-";
        var parent = Path.GetTempPath();
        foreach (var old in System.IO.Directory.EnumerateDirectories(parent, Prefix + "*"))
        {
            if (int.TryParse(Path.GetFileName(old)[Prefix.Length..], out var id) && !System.IO.Directory.Exists($"/proc/{id}"))
                Remove(old);
        }
        var path = Path.Combine(parent, Prefix + Environment.ProcessId);
        System.IO.Directory.CreateDirectory(path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Remove(path);
        return path;
    }

    private static void Remove(string path)
    {
        try
        {
            System.IO.Directory.Delete(path, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Another process removes it too, or a server still writes: the next run tries again.
        }
    }
}
