using Folders = System.IO.Directory;

namespace ShardProxy.Control.Embedded;

/// <summary>
/// Who the servers run as. PostgreSQL refuses root, so that root runs it as the account that the packages make; anybody
/// else runs it as themselves.
/// </summary>
internal sealed class ServerAccount
{
    private const string PackageAccount = "postgres";
    private const string SetPriv = "setpriv";
    private const string SetSid = "setsid";

    private readonly bool _hasSetPriv;
    private readonly bool _hasSetSid;

    private ServerAccount(string? name, bool hasSetPriv, bool hasSetSid)
    {
        Name = name;
        _hasSetPriv = hasSetPriv;
        _hasSetSid = hasSetSid;
    }

    /// <summary>Null: this process's own user.</summary>
    public string? Name { get; }

    /// <exception cref="EmbeddedException">This is root and there is no other account to use.</exception>
    public static async Task<ServerAccount> ChooseAsync(CancellationToken cancellationToken)
    {
        var hasSetPriv = IsOnPath(SetPriv);
        if (!Environment.IsPrivilegedProcess)
            return new ServerAccount(null, hasSetPriv, IsOnPath(SetSid));
        var known = await ToolProcess.RunAsync(["id", "-u", PackageAccount], "/", cancellationToken);
        if (known.ExitCode != 0)
            throw new EmbeddedException($"PostgreSQL does not run as root, and there is no user {PackageAccount} to run it as. Make one, or run this as another user.");
        if (!hasSetPriv)
            throw new EmbeddedException("PostgreSQL does not run as root, and setpriv, which changes the user, is not here. Install util-linux, or run this as another user.");
        return new ServerAccount(PackageAccount, hasSetPriv, IsOnPath(SetSid));
    }

    /// <summary>A command line that runs a program to its end as the account.</summary>
    public IReadOnlyList<string> Command(params IReadOnlyList<string> program) => Name is null ? program : [.. Identity("KILL"), .. program];

    /// <summary>
    /// A command line that runs a server as the account: in a session of its own, so that a terminal's Ctrl-C reaches only
    /// the proxy, which stops the servers when it has drained; and shut down by the kernel should this process die.
    /// All of it is done by exec, so the process started is the server.
    /// </summary>
    public IReadOnlyList<string> ServerCommand(params IReadOnlyList<string> program) =>
        [.. _hasSetSid ? [SetSid] : Array.Empty<string>(), .. _hasSetPriv ? Identity("INT") : [], .. program];

    /// <summary>Makes a folder that the account owns and nobody else may enter.</summary>
    public async Task<bool> TryMakeFolderAsync(string path, CancellationToken cancellationToken)
    {
        Folders.CreateDirectory(path);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (Name is null)
            return true;
        await GiveAsync(path, cancellationToken);
        // The account may own the folder and yet not reach it, such as below /root.
        return (await ToolProcess.RunAsync(Command("test", "-w", path), "/", cancellationToken)).ExitCode == 0;
    }

    /// <summary>Makes the account the owner of a file or a folder.</summary>
    public async Task GiveAsync(string path, CancellationToken cancellationToken)
    {
        if (Name is null)
            return;
        var result = await ToolProcess.RunAsync(["chown", $"{Name}:", path], "/", cancellationToken);
        if (result.ExitCode != 0)
            throw new EmbeddedException($"{path} cannot be given to the user {Name}: {result.Output.Trim()}");
    }

    private string[] Identity(string deathSignal) => Name is null
        ? [SetPriv, "--pdeathsig", deathSignal, "--"]
        : [SetPriv, "--reuid", Name, "--regid", Name, "--init-groups", "--pdeathsig", deathSignal, "--"];

    private static bool IsOnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => folder.Length > 0 && File.Exists(Path.Combine(folder, program)));
}
