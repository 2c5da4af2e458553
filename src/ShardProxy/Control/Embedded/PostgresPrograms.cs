using System.Globalization;
using Folders = System.IO.Directory;

namespace ShardProxy.Control.Embedded;

/// <summary>PostgreSQL's server programs on this machine.</summary>
/// <param name="Folder">Holds initdb and postgres.</param>
internal sealed record PostgresPrograms(string Folder, int Major)
{
    public const int OldestMajor = 14;
    public const int NewestMajor = 18;

    // Where packages put the programs of each version: Debian and Ubuntu, then Red Hat and its kin.
    private static readonly (string Root, string Pattern)[] VersionedPlaces = [("/usr/lib/postgresql", "*"), ("/usr", "pgsql-*")];

    public string Initdb => Path.Combine(Folder, "initdb");

    public string Postgres => Path.Combine(Folder, "postgres");

    /// <param name="major">The version that made existing data; null takes the newest.</param>
    /// <exception cref="EmbeddedException">There are none.</exception>
    public static async Task<PostgresPrograms> FindAsync(int? major, CancellationToken cancellationToken)
    {
        var found = new List<PostgresPrograms>();
        foreach (var folder in Candidates())
        {
            if (await TryReadAsync(folder, cancellationToken) is { } programs)
                found.Add(programs);
        }
        if (major is not null)
        {
            return found.Find(programs => programs.Major == major)
                ?? throw new EmbeddedException($"The cluster's data was made by PostgreSQL {major}, whose server programs are not here. Install them, or start anew with --reset.");
        }
        return found.Where(static programs => programs.Major is >= OldestMajor and <= NewestMajor).MaxBy(static programs => programs.Major)
            ?? throw new EmbeddedException($"PostgreSQL's server programs (initdb, postgres; version {OldestMajor} to {NewestMajor}) are not here. On Debian: apt-get install postgresql");
    }

    /// <summary>The major version in "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".</summary>
    internal static int? ReadMajor(string versionLine)
    {
        const string mark = "(PostgreSQL) ";
        var start = versionLine.IndexOf(mark, StringComparison.Ordinal);
        if (start < 0)
            return null;
        var digits = versionLine[(start + mark.Length)..].TakeWhile(char.IsAsciiDigit).ToArray();
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : null;
    }

    private static IEnumerable<string> Candidates()
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
            yield return folder;
        foreach (var (root, pattern) in VersionedPlaces)
        {
            foreach (var version in Folders.Exists(root) ? Folders.GetDirectories(root, pattern) : [])
                yield return Path.Combine(version, "bin");
        }
    }

    private static async Task<PostgresPrograms?> TryReadAsync(string folder, CancellationToken cancellationToken)
    {
        var postgres = Path.Combine(folder, "postgres");
        if (!File.Exists(postgres) || !File.Exists(Path.Combine(folder, "initdb")))
            return null;
        var result = await ToolProcess.RunAsync([postgres, "--version"], "/", cancellationToken);
        return result.ExitCode == 0 && ReadMajor(result.Output) is { } major ? new PostgresPrograms(folder, major) : null;
    }
}
