using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Folders = System.IO.Directory;

namespace ShardProxy.Control.Embedded;

/// <summary>
/// A cluster on this machine: PostgreSQL servers in a folder, their configuration file, and the sample shop. Open →
/// Start → (the caller runs the proxy on <see cref="ConfigurationFile"/>) → Dispose, which stops the servers.
/// </summary>
public sealed class EmbeddedCluster : IAsyncDisposable
{
    // initdb makes about 40 MB; the write-ahead log of the first load adds a segment or two of 16 MB.
    private const long BytesPerShard = 120L << 20;

    private readonly ClusterFolder _folder;
    private readonly ServerAccount _account;
    private readonly PostgresPrograms _programs;
    private readonly LastingThread _starter = new("embedded servers");
    private readonly TimeProvider _time;
    private readonly List<EmbeddedServer> _servers = [];
    private ClusterState _state;

    private EmbeddedCluster(ClusterFolder folder, ServerAccount account, PostgresPrograms programs, ClusterState state, TimeProvider time)
    {
        _folder = folder;
        _account = account;
        _programs = programs;
        _state = state;
        _time = time;
    }

    public string ConfigurationFile => _folder.ConfigurationFile;

    public string LogFile => _folder.LogFile;

    public bool SampleLoaded => _state.SampleLoaded;

    public string Url(int port) => $"postgres://{ShardPreparation.AppUser}:{_state.AppPassword}@127.0.0.1:{port}/{ShardPreparation.Database}";

    /// <summary>Finds what the folder holds, or lays out a new cluster in it. Nothing runs yet.</summary>
    /// <exception cref="EmbeddedException">Something is missing or in the way.</exception>
    public static async Task<EmbeddedCluster> OpenAsync(EmbeddedOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        if (!ServerPorts.IsFree(options.Port))
            throw new EmbeddedException($"Port {options.Port} of 127.0.0.1 is in use by another program. Stop it, or choose another with --port.");
        var folder = ClusterFolder.Open(options.Folder);
        try
        {
            var state = options.Reset ? null : await folder.LoadAsync(cancellationToken);
            if (options.Reset)
                await ResetAsync(folder, time, cancellationToken);
            if (state is not null && options.Shards is { } wished && wished != state.ShardCount)
                throw new EmbeddedException($"The cluster in {options.Folder} has {state.ShardCount} shards, not {wished}. Leave out --shards, or start anew with --reset.");
            var account = await ServerAccount.ChooseAsync(cancellationToken);
            var programs = await PostgresPrograms.FindAsync(state?.ServerMajor, cancellationToken);
            state ??= await CreateStateAsync(folder, account, programs, options.Shards ?? EmbeddedOptions.DefaultShards, cancellationToken);
            return new EmbeddedCluster(folder, account, programs, state, time);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>Makes the servers that are not there yet, starts all, and writes the configuration for a proxy on the port.</summary>
    public async Task StartAsync(int port, IStepDisplay display, CancellationToken cancellationToken)
    {
        for (var i = 0; i < _state.ShardCount; i++)
            _servers.Add(new EmbeddedServer(ClusterState.ShardName(i), _state.ServersFolder, _programs, _account));
        await display.RunAsync(
            $"Preparing {Count(_servers.Count)} of PostgreSQL {_programs.Major} in {_state.ServersFolder}",
            () => Task.WhenAll(_servers.Select(server => server.CreateAsync(_state.AdminPassword, cancellationToken))));
        await display.RunAsync($"Starting {Count(_servers.Count)}", async () =>
        {
            await StartServersAsync(port, cancellationToken);
            await Task.WhenAll(_servers.Select(server => ShardPreparation.PrepareAsync(server, _state, _time, cancellationToken)));
        });
        await PrivateFile.WriteAsync(ConfigurationFile, EmbeddedConfiguration.Write(_state, port, _folder.DirectoryFile), cancellationToken);
    }

    /// <summary>Loads the sample shop through the proxy that listens on the port.</summary>
    public async Task LoadSampleAsync(int port, CancellationToken cancellationToken)
    {
        try
        {
            await SampleShop.LoadAsync(Url(port), cancellationToken);
        }
        catch (NpgsqlException exception)
        {
            throw new EmbeddedException($"The sample shop could not be loaded through the proxy: {exception.Message} The proxy's log is {LogFile}.", exception);
        }
        _state = _state with { SampleLoaded = true };
        await _folder.SaveAsync(_state, cancellationToken);
    }

    /// <summary>Completes with a sentence when a server ends that nobody stopped.</summary>
    public async Task<string> WaitForLossAsync()
    {
        var watched = _servers.ToDictionary(static server => server.Exited);
        var lost = watched[await Task.WhenAny(watched.Keys)];
        return $"The server of shard {lost.Name} has ended. Its log is in {Path.Combine(_state.ServersFolder, lost.Name, "log")}.";
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_servers.Select(server => server.StopAsync(_time)));
        _starter.Dispose();
        _folder.Dispose();
    }

    private async Task StartServersAsync(int proxyPort, CancellationToken cancellationToken)
    {
        var ports = new List<int> { proxyPort };
        foreach (var (server, wish) in _servers.Zip(_state.Ports))
        {
            var port = ServerPorts.Choose(wish, ports);
            ports.Add(port);
            await server.StartAsync(port, _starter, _time, cancellationToken);
        }
        _state = _state with { Ports = ports[1..] };
        await _folder.SaveAsync(_state, cancellationToken);
    }

    private static async Task ResetAsync(ClusterFolder folder, TimeProvider time, CancellationToken cancellationToken)
    {
        ClusterState? state = null;
        try
        {
            state = await folder.LoadAsync(cancellationToken);
        }
        catch (EmbeddedException)
        {
            // An unreadable state is what --reset is for.
        }
        if (state is not null)
        {
            for (var i = 0; i < state.ShardCount; i++)
                await PostmasterFile.ClearAsync(Path.Combine(state.ServersFolder, ClusterState.ShardName(i)), time, cancellationToken);
        }
        folder.Reset(state);
    }

    private static async Task<ClusterState> CreateStateAsync(
        ClusterFolder folder, ServerAccount account, PostgresPrograms programs, int shards, CancellationToken cancellationToken)
    {
        var servers = folder.ServersFolder;
        if (!await account.TryMakeFolderAsync(servers, cancellationToken))
        {
            Folders.Delete(servers);
            servers = FallbackFolder(folder.Path);
            if (!await account.TryMakeFolderAsync(servers, cancellationToken))
                throw new EmbeddedException($"The user {account.Name} can reach neither {folder.Path} nor {servers}. Choose a folder that it can reach with --data.");
        }
        var free = new DriveInfo(servers).AvailableFreeSpace;
        if (free < BytesPerShard * shards)
            throw new EmbeddedException($"The disk of {servers} has {free >> 20} MB left; {shards} shards need {(BytesPerShard * shards) >> 20} MB. Make room, or choose another folder with --data.");
        var state = new ClusterState(servers, programs.Major, NewPassword(), NewPassword(), new int[shards], SampleLoaded: false);
        await folder.SaveAsync(state, cancellationToken);
        return state;
    }

    /// <summary>For root, whose own folders other users cannot enter: a place that is the same for the same folder.</summary>
    private static string FallbackFolder(string folder)
    {
        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(folder)))[..12];
        return Path.Combine("/var/lib/shardproxy", id);
    }

    /// <summary>128 random bits, of characters that need no escape in a URL, in SQL or in YAML.</summary>
    private static string NewPassword() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    private static string Count(int servers) => servers == 1 ? "1 server" : $"{servers} servers";
}
