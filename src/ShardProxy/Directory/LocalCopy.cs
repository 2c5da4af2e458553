namespace ShardProxy.Directory;

/// <summary>
/// The last content that this proxy has seen, in a file beside it: what a proxy starts with while its shared store cannot
/// be reached. Written whole and renamed into place, so that a crash leaves the old one or the new one.
/// </summary>
public sealed class LocalCopy(string path)
{
    private readonly Lock _lock = new();

    public string Path { get; } = path;

    /// <summary>Why the last attempt to write failed; null when it went well. A copy that cannot be written stops nothing.</summary>
    public string? Failure { get; private set; }

    public void Save(DirectoryContent content)
    {
        lock (_lock)
        {
            try
            {
                if (System.IO.Path.GetDirectoryName(Path) is { Length: > 0 } folder)
                    System.IO.Directory.CreateDirectory(folder);
                var temporary = Path + ".new";
                using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
                {
                    file.Write(System.Text.Encoding.UTF8.GetBytes(DirectoryJson.Write(content)));
                    file.Flush(flushToDisk: true);
                }
                File.Move(temporary, Path, overwrite: true);
                Failure = null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                Failure = exception.Message;
            }
        }
    }

    /// <summary>Null when there is none of this database, or it cannot be read.</summary>
    public DirectoryContent? Load(string database)
    {
        try
        {
            var content = File.Exists(Path) ? DirectoryJson.Read(File.ReadAllText(Path)) : null;
            return content?.Database == database ? content : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or DirectoryException)
        {
            Failure = exception.Message;
            return null;
        }
    }
}
