using System.Globalization;
using System.Text.Json;
using ShardProxy.Configuration;
using ShardProxy.Directory.Lookup;
using StackExchange.Redis;

namespace ShardProxy.Directory.Redis;

/// <summary>
/// The directory in Redis, for a fleet. A database is a hash of version, revision and content (JSON), a list of its
/// history, and a hash of its proxies' leases; see docs/decisions/redis-layout.md.
/// </summary>
public sealed class RedisDirectoryStore : IDirectoryStore
{
    private const string SchemaNotice = "schema ";

    /// <summary>How long after a change was sent it may still take effect; a change is waited for longer than that.</summary>
    private static readonly TimeSpan ChangeWindow = TimeSpan.FromMilliseconds(500);

    /// <summary>Between the last moment of a change's effect and giving it up.</summary>
    private static readonly TimeSpan ChangeMargin = TimeSpan.FromMilliseconds(100);

    private readonly RedisConnection _connection;
    private readonly RedisKeys _keys;
    private readonly TimeProvider _clock;

    /// <param name="prefix">Of all keys: several clusters can share a Redis.</param>
    public RedisDirectoryStore(RedisTarget target, string prefix, TimeProvider clock)
    {
        Location = target.ToString();
        _keys = new RedisKeys(prefix);
        _clock = clock;
        _connection = new RedisConnection(target, clock) { OnConnected = ListenAsync };
        Keys = new RedisKeyStore(_connection, _keys);
    }

    public event Action<string, DirectoryNotice>? Noticed;

    public string Location { get; }

    public bool IsShared => true;

    public StoreHealth Health => _connection.Health;

    public IKeyStore Keys { get; }

    public async ValueTask<string> GetClusterAsync(CancellationToken cancel)
    {
        var made = Guid.CreateVersion7(_clock.GetUtcNow()).ToString();
        return await _connection.RunAsync(
            async redis =>
            {
                await redis.StringSetAsync(_keys.Cluster, made, when: When.NotExists);
                return (string)await redis.StringGetAsync(_keys.Cluster);
            },
            cancel);
    }

    public async ValueTask<DirectoryContent?> LoadAsync(string database, CancellationToken cancel)
    {
        var content = await _connection.RunAsync(redis => redis.HashGetAsync(_keys.Database(database), "content"), cancel);
        return content.IsNull ? null : DirectoryJson.Read(content!);
    }

    public async ValueTask<DirectoryContent> CreateAsync(string database, IReadOnlyList<string> shardOfBucket, string who, CancellationToken cancel)
    {
        var content = new DirectoryContent(database, 1, await GetClusterAsync(cancel), [.. shardOfBucket], shardOfBucket.Count, [], [])
        {
            Revision = NewRevision(),
        };
        var entry = Entry(content, who, $"create with {shardOfBucket.Count} buckets");
        await _connection.RunAsync(
            redis => redis.ScriptEvaluateAsync(
                RedisScripts.Create,
                [_keys.Database(database), _keys.History(database)],
                [content.Revision, DirectoryJson.Write(content), entry, _keys.Channel(database)]),
            cancel);
        return await LoadAsync(database, cancel) ?? throw new DirectoryException($"database \"{database}\" has vanished from the directory {Location}");
    }

    public async ValueTask<DirectoryContent> ChangeAsync(
        string database, long expectedVersion, IReadOnlyList<DirectoryChange> changes, string who, CancellationToken cancel)
    {
        var content = await LoadAsync(database, cancel) ?? throw new DirectoryException($"the directory does not know database \"{database}\"");
        if (content.Version != expectedVersion)
            throw new DirectoryConflictException(database, expectedVersion, content.Version);
        var changed = content.Apply(changes) with { Revision = NewRevision() };
        var result = await SendChangeAsync(content, changed, Entry(changed, who, string.Join("; ", changes)), cancel);
        return result switch
        {
            0 => changed,
            -1 => throw new DirectoryException($"database \"{database}\" has vanished from the directory {Location}"),
            -2 => throw new DirectoryUnavailableException($"the directory {Location} answered too late; nothing was changed"),
            _ => throw new DirectoryConflictException(database, expectedVersion, result),
        };
    }

    public async ValueTask<bool> RestoreAsync(DirectoryContent content, string who, CancellationToken cancel)
    {
        var restored = content.Revision.Length > 0 ? content : content with { Revision = NewRevision() };
        var result = await _connection.RunAsync(
            redis => redis.ScriptEvaluateAsync(
                RedisScripts.Restore,
                [_keys.Database(content.Database), _keys.History(content.Database), _keys.Cluster],
                [
                    restored.Version, restored.Revision, DirectoryJson.Write(restored),
                    Entry(restored, who, "put back what the store had lost"), restored.Cluster, _keys.Channel(content.Database),
                ]),
            cancel);
        return (int)result == 1;
    }

    public async ValueTask<IReadOnlyList<DirectoryHistoryEntry>> HistoryAsync(string database, int limit, CancellationToken cancel)
    {
        var entries = await _connection.RunAsync(redis => redis.ListRangeAsync(_keys.History(database), 0, limit - 1), cancel);
        return [.. entries.Select(static entry => JsonSerializer.Deserialize<DirectoryHistoryEntry>((string)entry!)!)];
    }

    public async ValueTask<StoreVersion> ReportAsync(string database, ProxyReport report, TimeSpan lease, CancellationToken cancel)
    {
        var result = await _connection.RunAsync(
            redis => redis.ScriptEvaluateAsync(
                RedisScripts.Report,
                [_keys.Database(database), _keys.Proxies(database)],
                [report.Id, JsonSerializer.Serialize(report), (long)lease.TotalMilliseconds]),
            cancel);
        var at = (RedisResult[])result!;
        return at[0].IsNull ? new StoreVersion(0, "") : new StoreVersion((long)at[0], (string)at[1] ?? "");
    }

    public async ValueTask<IReadOnlyList<ProxyReport>> ProxiesAsync(string database, CancellationToken cancel)
    {
        var result = await _connection.RunAsync(redis => redis.ScriptEvaluateAsync(RedisScripts.Proxies, [_keys.Proxies(database)], []), cancel);
        return [.. ((string[])result!).Select(static text =>
        {
            var blank = text.IndexOf(' ', StringComparison.Ordinal);
            var ends = long.Parse(text.AsSpan(0, blank), NumberStyles.None, CultureInfo.InvariantCulture);
            return JsonSerializer.Deserialize<ProxyReport>(text.AsSpan(blank + 1))! with { Expires = DateTimeOffset.FromUnixTimeMilliseconds(ends) };
        })];
    }

    public async ValueTask LeaveAsync(string database, string proxy, CancellationToken cancel) =>
        await _connection.RunAsync(redis => redis.HashDeleteAsync(_keys.Proxies(database), proxy), cancel);

    public async ValueTask NotifyAsync(string database, DirectoryNotice notice, CancellationToken cancel) =>
        await _connection.RunAsync(redis => redis.PublishAsync(_keys.Channel(database), notice.Schema is null ? "changed" : SchemaNotice + notice.Schema), cancel);

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    /// <summary>
    /// The change carries a deadline by Redis' own clock, so that one which was given up here cannot take effect later, when
    /// a stopped Redis goes on. A try whose reply was lost is known again by its revision.
    /// </summary>
    private async ValueTask<long> SendChangeAsync(DirectoryContent before, DirectoryContent changed, string entry, CancellationToken cancel)
    {
        var json = DirectoryJson.Write(changed);
        var name = changed.Database;
        return (long)await _connection.RunAsync(
            async redis =>
            {
                var asked = _clock.GetTimestamp();
                var time = (RedisResult[])(await redis.ScriptEvaluateAsync(RedisScripts.Time, [_keys.Database(name)], []))!;
                // What is sent later than this could take effect after the attempt was given up.
                if (_clock.GetElapsedTime(asked) > RedisConnection.AttemptTimeout - ChangeWindow - ChangeMargin)
                    throw new TimeoutException();
                var deadline = ((long)time[0] * 1000) + ((long)time[1] / 1000) + (long)ChangeWindow.TotalMilliseconds;
                return await redis.ScriptEvaluateAsync(
                    RedisScripts.Change,
                    [_keys.Database(name), _keys.History(name)],
                    [before.Version, before.Revision, changed.Version, changed.Revision, json, entry, _keys.Channel(name), deadline]);
            },
            cancel);
    }

    private async Task ListenAsync(ISubscriber subscriber) =>
        await subscriber.SubscribeAsync(_keys.EveryChannel, (channel, message) =>
        {
            var text = (string?)message ?? "";
            if (_keys.DatabaseOf(channel!) is { } database)
                Noticed?.Invoke(database, text.StartsWith(SchemaNotice, StringComparison.Ordinal) ? new DirectoryNotice(text[SchemaNotice.Length..]) : DirectoryNotice.Changed);
        });

    private string Entry(DirectoryContent content, string who, string what) =>
        JsonSerializer.Serialize(new DirectoryHistoryEntry(content.Version, _clock.GetUtcNow(), who, what));

    private static string NewRevision() => Guid.NewGuid().ToString("N");
}
