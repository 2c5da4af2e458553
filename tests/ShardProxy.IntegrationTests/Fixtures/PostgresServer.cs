using System.Diagnostics;
using Npgsql;

namespace ShardProxy.IntegrationTests.Fixtures;

/// <param name="MaxConnections">PostgreSQL's max_connections.</param>
/// <param name="Settings">Further settings for the command line.</param>
public sealed record PostgresOptions(int MaxConnections = 100, IReadOnlyDictionary<string, string>? Settings = null, int? Major = null);

/// <summary>
/// A real PostgreSQL server on a free port of 127.0.0.1 with scram-sha-256 passwords. initdb runs once per version; a
/// server starts from a copy of its result, in a fraction of a second. Durability is off: a killed server keeps what the
/// kernel has, which is all that a killed process can lose.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string SuperUser = "postgres";
    public const string AppUser = "app";
    public const string Password = "se'cret \\1";
    public const string Database = "shop";

    private static readonly SemaphoreSlim TemplateLock = new(1);

    private readonly string _dataFolder;
    private readonly PostgresOptions _options;
    private ChildProcess? _process;

    private PostgresServer(string name, string dataFolder, int port, PostgresOptions options)
    {
        Name = name;
        _dataFolder = dataFolder;
        _options = options;
        Port = port;
        Major = options.Major ?? ServerBinaries.DefaultMajor;
    }

    public string Name { get; }

    public int Port { get; }

    public int Major { get; }

    public static string Host => "127.0.0.1";

    /// <summary>For Npgsql; as the application's user, who is a superuser in tests.</summary>
    public string ConnectionString => ConnectionStringFor(AppUser);

    public string Log => _process?.Log() ?? "(never started)";

    public static async Task<PostgresServer> StartAsync(string name = "postgres", PostgresOptions? options = null)
    {
        options ??= new PostgresOptions();
        var template = await TemplateAsync(options.Major ?? ServerBinaries.DefaultMajor);
        var folder = Path.Combine(TestFolder.New(name), "data");
        await Run("cp", "-a", template, folder);
        var server = new PostgresServer(name, folder, FreePort.Next(), options);
        await server.StartProcessAsync();
        return server;
    }

    public string ConnectionStringFor(string user, string database = Database, string? options = null) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = Host,
            Port = Port,
            Username = user,
            Password = Password,
            Database = database,
            Pooling = false,
            IncludeErrorDetail = true,
            Options = options,
        }.ConnectionString;

    /// <summary>Runs SQL over a connection of its own.</summary>
    public async Task ExecuteAsync(string sql, string database = Database)
    {
        await using var connection = new NpgsqlConnection(ConnectionStringFor(AppUser, database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync();
    }

    public async Task<T> ScalarAsync<T>(string sql, string database = Database)
    {
        await using var connection = new NpgsqlConnection(ConnectionStringFor(AppUser, database));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>A fast shutdown: clients are disconnected, data is flushed.</summary>
    /// <param name="immediately">Nothing is flushed, and the next start recovers.</param>
    public async Task StopAsync(bool immediately = false)
    {
        if (_process is null)
            return;
        _process.Signal(immediately ? ChildProcess.SignalQuit : ChildProcess.SignalInterrupt);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>SIGKILL for the postmaster and all its children, as when a machine loses power.</summary>
    public async Task KillAsync()
    {
        if (_process is null)
            return;
        await _process.KillTreeAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>Starts a stopped or killed server again on the same port and data, and waits until it accepts connections.</summary>
    public Task RestartAsync() => StartProcessAsync();

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.KillTreeAsync();
            _process.Dispose();
            _process = null;
        }
        System.IO.Directory.Delete(Path.GetDirectoryName(_dataFolder)!, recursive: true);
    }

    private async Task StartProcessAsync()
    {
        if (_process is not null)
            throw new InvalidOperationException($"{Name} runs already");
        List<string> arguments =
        [
            "-D", _dataFolder, "-p", Port.ToString(),
            "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
            "-c", "fsync=off", "-c", "full_page_writes=off",
            "-c", $"max_connections={_options.MaxConnections}", "-c", "max_prepared_transactions=64",
            "-c", "shared_buffers=32MB", "-c", "max_wal_size=256MB", "-c", "wal_level=logical",
            "-c", "logging_collector=off", "-c", "log_line_prefix=%m [%p] %a ",
            "-c", "timezone=UTC", "-c", "datestyle=ISO, MDY", "-c", "lc_messages=C", "-c", "jit=off",
        ];
        foreach (var (key, value) in _options.Settings ?? new Dictionary<string, string>())
            arguments.AddRange(["-c", $"{key}={value}"]);
        var logFile = Path.Combine(Path.GetDirectoryName(_dataFolder)!, "log");
        _process = await ChildProcess.StartAsync(
            Name, logFile, Path.Combine(ServerBinaries.Folder(Major), "postgres"), arguments, asUser: "postgres", deathSignal: "QUIT");
        await Until.TrueAsync(IsReady, $"{Name} accepts connections");
    }

    private bool IsReady()
    {
        if (_process!.HasExited)
            throw new InvalidOperationException($"PostgreSQL {Name} ended: {_process.Log()}");
        try
        {
            // Line 8 of the lock file is the postmaster's status (miscadmin.h, LOCK_FILE_LINE_PM_STATUS); line 1 its process.
            var lines = File.ReadAllLines(Path.Combine(_dataFolder, "postmaster.pid"));
            return lines.Length >= 8 && lines[7].Trim() == "ready" && lines[0] == _process.Id.ToString();
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>The data folder that all servers of a version are copied from; made once per machine and kept.</summary>
    private static async Task<string> TemplateAsync(int major)
    {
        // Part of the path, so that a template made by an older recipe is not used.
        const string Recipe = "3";
        var programs = ServerBinaries.Folder(major);
        var template = Path.Combine(Path.GetTempPath(), $"shardproxy-template-{Environment.UserName}-{major}-{Recipe}");
        await TemplateLock.WaitAsync();
        try
        {
            await using var otherProcesses = await FileLock.AcquireAsync(template + ".lock");
            if (System.IO.Directory.Exists(template))
                return template;
            var work = TestFolder.New("initdb");
            var data = Path.Combine(work, "data");
            System.IO.Directory.CreateDirectory(data);
            var passwords = Path.Combine(work, "password");
            await File.WriteAllTextAsync(passwords, Password);
            await Run("chmod", "-R", "a+rX", work);
            string[] asUser = Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--"] : ["env"];
            if (Environment.UserName == "root")
                await Run("chown", "postgres", data);
            await Run([.. asUser, Path.Combine(programs, "initdb"), "-D", data, "-U", SuperUser, "--pwfile", passwords,
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
            var seed = Path.Combine(work, "seed.sql");
            await File.WriteAllTextAsync(seed, $"CREATE ROLE {AppUser} SUPERUSER LOGIN PASSWORD '{Password.Replace("'", "''")}';\nCREATE DATABASE {Database} OWNER {AppUser};\n");
            await Run("chmod", "a+r", seed);
            await Run([.. asUser, "sh", "-c", "\"$1\" --single -D \"$2\" -c fsync=off postgres <\"$3\"", "sh", Path.Combine(programs, "postgres"), data, seed]);
            await Run("mv", data, template);
            return template;
        }
        finally
        {
            TemplateLock.Release();
        }
    }

    private static async Task Run(params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{command[0]} did not start");
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', command)} failed:\n{await output}\n{await errors}");
    }
}
