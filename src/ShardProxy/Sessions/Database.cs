using System.Collections.Concurrent;
using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Authentication;
using ShardProxy.Sessions.Drawing;
using ShardProxy.Sessions.Spreading;
using ShardProxy.Statements;

namespace ShardProxy.Sessions;

/// <summary>One configured database: what all its sessions share. Thread-safe.</summary>
public sealed class Database
{
    /// <summary>The first shard: tables that nobody declared, catalogs, sequences.</summary>
    public const int HomeShard = 0;

    /// <summary>Stands for the gather server where a shard's index would: it is none, and has no place among them.</summary>
    public const int Beside = -2;

    // Merged statements are few beside all others.
    private const int SpreadTypesShare = 8;

    private readonly Func<Database, int, ServerCredentials, IServerOpener> _openers;
    private static readonly TimeSpan QuietInterval = TimeSpan.FromMilliseconds(10);

    private readonly int _loops;
    private volatile bool _paused;
    private readonly ConcurrentDictionary<string, UserPools> _pools = new(StringComparer.Ordinal);
    private ImmutableDictionary<PlanningKey, SessionPlanning> _plannings = ImmutableDictionary<PlanningKey, SessionPlanning>.Empty;
    private long _planningIds;

    public Database(DatabaseConfig config, LimitsConfig limits, IDatabaseControl control, int loops, Func<Database, int, ServerCredentials, IServerOpener> openers)
    {
        Config = config;
        Limits = limits;
        Control = control;
        _loops = loops;
        _openers = openers;
        Statements = new StatementCache<StatementTemplate>(limits.StatementCacheBytes);
        PreparedTexts = new PreparedTextRegistry(limits.StatementCacheBytes);
        SpreadTypes = new StatementCache<SpreadTypes>(Math.Max(limits.StatementCacheBytes / SpreadTypesShare, 1));
        Logins = new LoginProfiles();
        Sequences = new SequenceBlocks(control);
    }

    public DatabaseConfig Config { get; private set; }

    public LimitsConfig Limits { get; private set; }

    public IDatabaseControl Control { get; }

    public StatementCache<StatementTemplate> Statements { get; }

    public PreparedTextRegistry PreparedTexts { get; }

    /// <summary>What shards have said of merged statements.</summary>
    public StatementCache<SpreadTypes> SpreadTypes { get; }

    public LoginProfiles Logins { get; }

    /// <summary>Identifiers drawn ahead.</summary>
    public SequenceBlocks Sequences { get; }

    /// <summary>The server beside the shards on which gathered statements run; null when the configuration has none.</summary>
    public GatherServer? GatherServer { get; private set; }

    public UnknownRelations UnknownRelations { get; } = new();

    /// <summary>Definitions that run on every shard.</summary>
    public DefinitionProgress Definitions { get; } = new();

    public SlowStatements Slow { get; init; } = SlowStatements.Off;

    public RoutingState Routing => Control.Routing;

    /// <summary>By index. A shard that joins comes last; none goes.</summary>
    public IReadOnlyList<ShardConfig> Shards => Routing.Shards;

    public int ShardCount => Shards.Count;

    public bool IsSessionPooled => Config.Pool.Mode == PoolMode.Session;

    public string ShardNames => string.Join(", ", Shards.Select(static shard => shard.Name));

    public string ShardName(int shard) => shard >= 0 ? Shards[shard].Name : shard == Beside ? GatherServer.Name : "all";

    /// <summary>A shard's index, -1 when there is none of that name.</summary>
    public int FindShard(string name)
    {
        var shards = Shards;
        for (var shard = 0; shard < shards.Count; shard++)
        {
            if (shards[shard].Name == name)
                return shard;
        }
        return -1;
    }

    public ServerPool GetPool(SessionIdentity identity, int shard) => PoolsOf(identity.Credentials).Of(shard);

    /// <summary>Every pool of every user.</summary>
    public IEnumerable<ServerPool> Pools => PoolsByUser.Select(static pool => pool.Pool);

    /// <summary>Every pool with the user of the shards that it is for.</summary>
    public IEnumerable<(string User, ServerPool Pool)> PoolsByUser
    {
        get
        {
            var shards = _pools.SelectMany(static pools => pools.Value.Shards.Select(pool => (pools.Key, pool)));
            return GatherServer is { } server ? shards.Append((server.Target.User, server.Pool)) : shards;
        }
    }

    /// <summary>From now on gathered statements may run there; what runs on the one before goes on to its end.</summary>
    public void Use(GatherServer? server)
    {
        var before = GatherServer;
        GatherServer = server;
        if (server is not null && _paused)
            server.Pool.Pause();
        foreach (var pools in _pools.Values)
            pools.SetOthers();
        before?.Pool.Close();
    }

    /// <summary>Server connections are lent no more; what is under way goes on.</summary>
    public void Pause()
    {
        _paused = true;
        foreach (var pool in Pools)
            pool.Pause();
    }

    public void Resume()
    {
        _paused = false;
        foreach (var pool in Pools)
            pool.Resume();
    }

    /// <summary>Completes when no server connection is lent.</summary>
    public async Task WhenQuietAsync()
    {
        while (_paused && Pools.Any(static pool => pool.LentCount > 0))
            await Task.Delay(QuietInterval);
    }

    /// <summary>The newest login's credentials open the connections from now on: a password may have changed.</summary>
    public void NoteCredentials(ServerCredentials credentials) => PoolsOf(credentials).Credentials = credentials;

    /// <summary>What a reload may change while sessions run: pool sizes, limits, how rows are gathered, how writes over shards commit.</summary>
    public void Apply(DatabaseConfig config, LimitsConfig limits)
    {
        Config = Config with { Pool = Config.Pool with { Size = config.Pool.Size }, Tables = config.Tables, CrossShardWrites = config.CrossShardWrites, Gather = config.Gather };
        Limits = limits;
        foreach (var pool in Pools)
            pool.Size = config.Pool.Size;
    }

    public void Close()
    {
        foreach (var pool in Pools)
            pool.Close();
    }

    /// <summary>The state that a session plans against; sessions for which everything is the same share one, and with it their templates.</summary>
    public SessionPlanning PlanningFor(Session session, RoutingState routing)
    {
        var key = new PlanningKey(
            session.Settings.Find("search_path") ?? Logins.DefaultSearchPath,
            session.Settings.Find("role") is { } role and not "none" ? role : session.Identity.Credentials.User,
            session.Temporaries.Version,
            GatherServer is not null);
        var known = _plannings;
        if (known.TryGetValue(key, out var planning) && ReferenceEquals(planning.Routing, routing))
            return planning;
        var searchPath = SearchPath.Parse(key.SearchPath, key.User, routing.Catalog.Schemas);
        planning = new SessionPlanning(
            Interlocked.Increment(ref _planningIds),
            routing,
            new PlanningContext(routing.Catalog, routing.Directory, searchPath, key.User, session.Temporaries.Names)
            {
                GathersBeside = key.GathersBeside,
                PasswordVerifier = static password => ScramVerifier.Create(password).Format(),
            });
        // Bounded: search paths are few in practice, and forgetting them costs templates, not answers.
        ImmutableInterlocked.Update(ref _plannings, static (all, add) =>
            (all.Count >= 256 ? all.Clear() : all).SetItem(add.Key, add.Planning), (Key: key, Planning: planning));
        return planning;
    }

    private UserPools PoolsOf(ServerCredentials credentials)
    {
        if (_pools.TryGetValue(credentials.User, out var pools))
            return pools;
        return _pools.GetOrAdd(credentials.User, static (_, args) => new UserPools(args.Database, args.Credentials), (Database: this, Credentials: credentials));
    }

    private readonly record struct PlanningKey(string SearchPath, string User, long Temporaries, bool GathersBeside);

    /// <summary>A pool per shard for one user of the shards.</summary>
    private sealed class UserPools
    {
        private readonly Database _database;
        private readonly Lock _growing = new();
        private volatile ServerCredentials _credentials;
        private volatile ServerPool[] _shards = [];

        public UserPools(Database database, ServerCredentials credentials)
        {
            _database = database;
            _credentials = credentials;
            Of(database.ShardCount - 1);
        }

        public ServerPool[] Shards => _shards;

        public ServerPool Of(int shard)
        {
            var shards = _shards;
            return shard < shards.Length ? shards[shard] : GrowTo(shard);
        }

        private ServerPool GrowTo(int shard)
        {
            lock (_growing)
            {
                while (_shards.Length <= shard)
                {
                    var index = _shards.Length;
                    var opener = new CurrentCredentials(this, current => _database._openers(_database, index, current));
                    var pool = new ServerPool(opener, index, _database.ShardName(index), _database.Config.Pool.Size, _database._loops, shard);
                    if (_database._paused)
                        pool.Pause();
                    _shards = [.. _shards, pool];
                }
                SetOthers();
                return _shards[shard];
            }
        }

        /// <summary>A session may hold a connection of each other shard, and one of the gather server.</summary>
        public void SetOthers()
        {
            var shards = _shards;
            foreach (var pool in shards)
                pool.Others = shards.Length - 1 + (_database.GatherServer is null ? 0 : 1);
            if (_database.GatherServer is { } server)
                server.Pool.Others = Math.Max(server.Pool.Others, shards.Length);
        }

        public ServerCredentials Credentials
        {
            get => _credentials;
            set => _credentials = value;
        }
    }

    private sealed class CurrentCredentials(UserPools pools, Func<ServerCredentials, IServerOpener> openers) : IServerOpener
    {
        public Task<ServerConnection> OpenAsync(ServerPool pool, Transport.EventLoop loop) => openers(pools.Credentials).OpenAsync(pool, loop);

        public Task CancelAsync(ServerConnection server) => openers(pools.Credentials).CancelAsync(server);
    }
}
