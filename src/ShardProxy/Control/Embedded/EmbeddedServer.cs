using System.Diagnostics;
using System.Globalization;
using System.Text;
using Folders = System.IO.Directory;

namespace ShardProxy.Control.Embedded;

/// <summary>
/// One PostgreSQL server of the cluster: made with initdb, run as a child process, reached over 127.0.0.1 with passwords
/// only (a Unix-domain socket's path would be too long in a deep folder).
/// </summary>
internal sealed class EmbeddedServer
{
    public const string AdminUser = "postgres";

    private static readonly TimeSpan ShutdownPatience = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly PostgresPrograms _programs;
    private readonly ServerAccount _account;
    private readonly StringBuilder _lastWords = new();
    private Process? _process;

    public EmbeddedServer(string name, string folder, PostgresPrograms programs, ServerAccount account)
    {
        Name = name;
        _folder = folder;
        _programs = programs;
        _account = account;
    }

    public string Name { get; }

    /// <summary>Set while it runs.</summary>
    public int Port { get; private set; }

    public bool HasExited => _process?.HasExited ?? true;

    /// <summary>Completes when the process has ended, for whatever reason.</summary>
    public Task Exited => _process?.WaitForExitAsync() ?? Task.CompletedTask;

    private string DataFolder => Path.Combine(_folder, Name);

    /// <summary>Runs initdb unless an earlier run did. What a run left half-made is made again.</summary>
    public async Task CreateAsync(string adminPassword, CancellationToken cancellationToken)
    {
        if (Folders.Exists(DataFolder))
            return;
        var unfinished = DataFolder + ".new";
        if (Folders.Exists(unfinished))
            Folders.Delete(unfinished, recursive: true);
        var passwordFile = Path.Combine(_folder, Name + ".password");
        await PrivateFile.WriteAsync(passwordFile, adminPassword, cancellationToken);
        try
        {
            await _account.GiveAsync(passwordFile, cancellationToken);
            var locale = OperatingSystem.IsLinux() ? "C.UTF-8" : "C";
            var command = _account.Command(
                _programs.Initdb, "-D", unfinished, "-U", AdminUser, "-A", "scram-sha-256", "--pwfile", passwordFile, "-E", "UTF8", "--locale", locale);
            var result = await ToolProcess.RunAsync(command, _folder, cancellationToken);
            if (result.ExitCode != 0)
                throw new EmbeddedException($"initdb failed for shard {Name}: {Reason(result.Output)}");
        }
        finally
        {
            File.Delete(passwordFile);
        }
        Folders.Move(unfinished, DataFolder);
    }

    /// <param name="starter">Outlives the server; see <see cref="LastingThread"/>.</param>
    public async Task StartAsync(int port, LastingThread starter, TimeProvider time, CancellationToken cancellationToken)
    {
        await PostmasterFile.ClearAsync(DataFolder, time, cancellationToken);
        var command = _account.ServerCommand([_programs.Postgres, "-D", DataFolder, .. Settings(port)]);
        var process = await starter.RunAsync(() => Process.Start(ToolProcess.StartInfo(command, _folder)))
            ?? throw new EmbeddedException($"The server of shard {Name} could not be started.");
        process.StandardInput.Close();
        process.OutputDataReceived += (_, line) => Remember(line.Data);
        process.ErrorDataReceived += (_, line) => Remember(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        Port = port;
    }

    /// <summary>A fast shutdown; a server that does not end in time is ended at once and recovers at its next start.</summary>
    public async Task StopAsync(TimeProvider time)
    {
        if (_process is not { } process)
            return;
        if (!process.HasExited)
        {
            ServerSignal.Send(process.Id, ServerSignal.FastShutdown);
            using var limit = new CancellationTokenSource(ShutdownPatience, time);
            try
            {
                await process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                ServerSignal.Send(process.Id, ServerSignal.ImmediateShutdown);
                await process.WaitForExitAsync();
            }
        }
        process.Dispose();
        _process = null;
    }

    /// <summary>Why it ended, as far as it said so.</summary>
    public string LastWords()
    {
        lock (_lastWords)
            return Reason(_lastWords.ToString());
    }

    private static string[] Settings(int port) => [.. new[]
    {
        "listen_addresses=127.0.0.1",
        string.Create(CultureInfo.InvariantCulture, $"port={port}"),
        "unix_socket_directories=",
        "max_connections=200",
        // Two-phase commit over shards needs room for as many as there are connections.
        "max_prepared_transactions=200",
        "password_encryption=scram-sha-256",
        "logging_collector=on",
        "log_directory=log",
        "log_filename=server.log",
        "log_rotation_age=0",
        "log_truncate_on_rotation=off",
    }.SelectMany(static setting => new[] { "-c", setting })];

    private void Remember(string? line)
    {
        if (line is null)
            return;
        lock (_lastWords)
        {
            // After the start everything goes to the server's own log; a bound all the same.
            if (_lastWords.Length < 16_384)
                _lastWords.AppendLine(line);
        }
    }

    /// <summary>The line that says what is wrong, without its prefix of time and process.</summary>
    private static string Reason(string output)
    {
        var lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var line = Array.Find(lines, static line => line.Contains("FATAL:", StringComparison.Ordinal) || line.Contains("error:", StringComparison.Ordinal))
            ?? lines.LastOrDefault()
            ?? "it did not say why";
        var start = line.IndexOf("FATAL:", StringComparison.Ordinal);
        return (start < 0 ? line : line[(start + "FATAL:".Length)..]).Trim().TrimEnd('.') + ".";
    }
}
