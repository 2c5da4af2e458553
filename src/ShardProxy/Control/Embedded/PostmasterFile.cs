using System.Globalization;

namespace ShardProxy.Control.Embedded;

/// <summary>
/// postmaster.pid, which a server that was killed leaves behind. The server itself only looks whether a process of that
/// number lives, which after a restart of the machine or in a new container may be any program; we look which one it is.
/// </summary>
internal static class PostmasterFile
{
    // A fast shutdown after the death of the last run writes a checkpoint, no more.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    /// <summary>Makes sure that no server has the data folder: waits for one that is going down, stops one that stays, removes the file of one that is gone.</summary>
    public static async Task ClearAsync(string dataFolder, TimeProvider time, CancellationToken cancellationToken)
    {
        var path = Path.Combine(dataFolder, "postmaster.pid");
        var start = time.GetTimestamp();
        var asked = false;
        while (await ReadPidAsync(path, cancellationToken) is { } pid && IsServerOf(pid, dataFolder))
        {
            // The folder is locked by us, so the server is an orphan of a run that has died.
            if (!asked)
                ServerSignal.Send(pid, ServerSignal.FastShutdown);
            asked = true;
            if (time.GetElapsedTime(start) > Patience)
                throw new EmbeddedException($"The server of an earlier run (process {pid}) does not end. Its folder is {dataFolder}.");
            await Task.Delay(Interval, time, cancellationToken);
        }
        if (File.Exists(path))
            File.Delete(path);
    }

    private static async Task<int?> ReadPidAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            var lines = await File.ReadAllLinesAsync(path, cancellationToken);
            return lines.Length > 0 && int.TryParse(lines[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private static bool IsServerOf(int pid, string dataFolder)
    {
        try
        {
            // The command line that EmbeddedServer gave it: /usr/…/postgres -D <folder> ….
            var arguments = File.ReadAllText($"/proc/{pid}/cmdline").Split('\0');
            return Path.GetFileName(arguments[0]) == "postgres" && arguments.Contains(dataFolder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
