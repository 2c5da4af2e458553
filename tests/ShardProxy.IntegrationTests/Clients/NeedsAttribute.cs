namespace ShardProxy.IntegrationTests.Clients;

/// <summary>A theory that is skipped, with the reason, where the machine lacks what its client needs.</summary>
public sealed class NeedsAttribute : TheoryAttribute
{
    /// <param name="what">A program on the PATH or the full path of a file.</param>
    /// <param name="package">The Debian package, or the command, that brings it.</param>
    public NeedsAttribute(string what, string package)
    {
        var folders = Environment.GetEnvironmentVariable("PATH")?.Split(':') ?? [];
        if (!File.Exists(what) && !System.IO.Directory.Exists(what) && !folders.Any(folder => File.Exists(Path.Combine(folder, what))))
            Skip = $"{what} is not on this machine; {package} brings it";
    }
}
