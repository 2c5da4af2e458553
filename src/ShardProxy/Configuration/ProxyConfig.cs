namespace ShardProxy.Configuration;

/// <summary>What the user wrote in shardproxy.yaml, checked and with environment variables filled in; never changed after loading.</summary>
public sealed record ProxyConfig(
    ListenConfig Listen,
    IReadOnlyList<UserConfig> Users,
    IReadOnlyList<DatabaseConfig> Databases,
    AuthenticationConfig Authentication,
    LimitsConfig Limits,
    LogConfig Log,
    TransportConfig Transport);

/// <param name="Address">"host:port"; host may be *, an address or a name.</param>
public sealed record ListenConfig(string Address, TlsConfig Tls);

public enum TlsMode
{
    Disable,
    Prefer,
    Require,
    VerifyClient,
}

/// <summary>PEM files. <paramref name="Ca"/> is what client certificates are verified against.</summary>
public sealed record TlsConfig(TlsMode Mode, string? Certificate, string? Key, string? Ca);

/// <param name="Password">Clear text, or a SCRAM-SHA-256$… or md5… verifier as PostgreSQL stores it.</param>
/// <param name="ServerUser">The name used on the shards; the user's own name when null.</param>
/// <param name="ServerPassword">The password used on the shards; <paramref name="Password"/> when null.</param>
public sealed record UserConfig(string Name, string? Password, string? ServerUser, string? ServerPassword)
{
    /// <summary>May use the admin database.</summary>
    public bool IsAdmin { get; init; }

    /// <summary>For messages: never carries a password.</summary>
    public override string ToString() => Name;
}

/// <summary>
/// Pass-through: users that the file does not name are checked against the verifiers of the home shard, read by a
/// query that runs as the shard's configured user.
/// </summary>
/// <param name="Query">One parameter, the user's name; two columns: name and verifier.</param>
public sealed record AuthenticationConfig(bool PassThrough, string Query)
{
    public const string DefaultQuery = "SELECT rolname, rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1 AND rolcanlogin";
}

public enum PoolMode
{
    Transaction,
    Session,
}

/// <param name="Size">Server connections per shard, user and database.</param>
public sealed record PoolConfig(PoolMode Mode, int Size);

public sealed record DatabaseConfig(
    string Name,
    int Buckets,
    PoolConfig Pool,
    IReadOnlyList<ShardConfig> Shards,
    IReadOnlyDictionary<string, TableConfig> Tables,
    DirectoryConfig Directory)
{
    public GatherConfig Gather { get; init; } = GatherConfig.Default;

    public CrossShardWrites CrossShardWrites { get; init; }
}

/// <summary>How a transaction commits that has written on several shards.</summary>
public enum CrossShardWrites
{
    /// <summary>Two-phase commit: everywhere or nowhere.</summary>
    Atomic,

    /// <summary>One shard after the other: a crash in between leaves part of it.</summary>
    BestEffort,

    /// <summary>The second shard is refused. DDL and COPY, which are for all shards, still use two-phase commit.</summary>
    Refuse,
}

/// <param name="MaxBytes">Rows that one statement may bring together from the shards.</param>
public sealed record GatherConfig(long MaxBytes)
{
    public static GatherConfig Default { get; } = new(1L << 30);

    /// <summary>Where rows are brought together.</summary>
    public GatherOn On { get; init; }

    /// <summary>Set with <see cref="GatherOn.Server"/>: a PostgreSQL beside the shards.</summary>
    public ConnectionTarget? Server { get; init; }

    /// <summary>Bytes that a table has on a shard, from which on it is worth while to send the shards the keys of other tables' rows first.</summary>
    public long KeyListsFrom { get; init; } = 64 << 10;
}

public enum GatherOn
{
    Home,

    /// <summary>On the shard with the fewest connections in use, where the statement leaves the choice.</summary>
    Any,

    /// <summary>On a server of its own, where the statement means the same there; else at home.</summary>
    Server,
}

/// <summary>The first shard of a database is its home shard.</summary>
public sealed record ShardConfig(string Name, ConnectionTarget Primary);

/// <summary>A libpq-style connection string or postgres:// URL, read: where a server is and who the proxy itself is there.</summary>
/// <param name="Host">A name, an address, or a directory (starting with '/') that holds a Unix-domain socket.</param>
public sealed record ConnectionTarget(
    string Host,
    int Port,
    string Database,
    string User,
    string? Password,
    ServerTlsMode SslMode,
    string? SslRootCertificate)
{
    /// <summary>For messages: never carries the password.</summary>
    public override string ToString() => $"{Host}:{Port}/{Database}";
}

/// <summary>libpq's sslmode.</summary>
public enum ServerTlsMode
{
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// <summary>A key of the tables map is "table" (schema public) or "schema.table".</summary>
/// <param name="Strategy">hash, range or list; read only where the table founds a group.</param>
/// <param name="Placement">The ranges or lists of its strategy, as written.</param>
public sealed record TableConfig(string? Key, string? ColocateWith, bool Reference, string Strategy = "hash", string? Placement = null)
{
    /// <summary>Null for a table without zones, and for a colocated one whose zone column has the other's name.</summary>
    public ZoneConfig? Zone { get; init; }
}

/// <summary>A first level above the strategy: the column's value says on which shards a row may be.</summary>
/// <param name="Zones">"(eu) on s0 s1, (us) on s2"; null where the table is colocated with one that says it.</param>
public sealed record ZoneConfig(string Column, string? Zones);

/// <param name="Store">"embedded" or "redis".</param>
/// <param name="Path">
/// The SQLite file of the embedded store, or the local copy of what Redis keeps; the loader puts it beside the
/// configuration when the file does not say where.
/// </param>
public sealed record DirectoryConfig(string Store, string? Path)
{
    /// <summary>Set when the store is Redis.</summary>
    public RedisTarget? Redis { get; init; }

    /// <summary>Of all keys in Redis.</summary>
    public string Prefix { get; init; } = "shardproxy";

    /// <summary>How long a proxy that cannot reach the store counts as live, and may write what another could have distributed.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Bytes in which the proxy remembers where keys of lookup tables live.</summary>
    public long LookupCacheBytes { get; init; } = DefaultLookupCache;

    /// <summary>A few million integer keys.</summary>
    public const long DefaultLookupCache = 64 << 20;
}

/// <summary>Every wait and every queue has a bound; durations of zero mean no limit.</summary>
public sealed record LimitsConfig(
    int MaxClients,
    int MaxMessageBytes,
    TimeSpan LoginTimeout,
    TimeSpan ConnectTimeout,
    TimeSpan LeaseTimeout,
    TimeSpan QueryTimeout,
    TimeSpan IdleInTransactionTimeout,
    TimeSpan DrainTimeout,
    long StatementCacheBytes,
    long PreparedStatementCacheBytes)
{
    /// <summary>How long a COMMIT of several shards waits for one that does not answer, before it is undone or its outcome unknown.</summary>
    public TimeSpan CommitTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of groups and rows that one statement over several shards may keep in the proxy while it puts them together.</summary>
    public long MergeBytes { get; init; } = 64 << 20;

    public static LimitsConfig Default { get; } = new(
        MaxClients: 10_000,
        MaxMessageBytes: 1 << 30,
        LoginTimeout: TimeSpan.FromSeconds(60),
        ConnectTimeout: TimeSpan.FromSeconds(5),
        LeaseTimeout: TimeSpan.FromSeconds(30),
        QueryTimeout: TimeSpan.Zero,
        IdleInTransactionTimeout: TimeSpan.Zero,
        DrainTimeout: TimeSpan.FromSeconds(30),
        StatementCacheBytes: 64 << 20,
        PreparedStatementCacheBytes: 1 << 20);
}

public enum LogFormat
{
    Text,
    Json,
}

/// <param name="Level">trace, debug, information, warning, error.</param>
/// <param name="SlowQuery">Statements that take longer are logged (without parameters); zero switches it off.</param>
public sealed record LogConfig(LogFormat Format, string Level, TimeSpan SlowQuery);

/// <summary>What serves the sockets of clients and servers.</summary>
public enum TransportEngine
{
    /// <summary>The best one that runs on this machine.</summary>
    Auto,
    Uring,
    Epoll,

    /// <summary>.NET's own, on every system.</summary>
    Sockets,
}

/// <summary>On which loop a session lives.</summary>
public enum SessionPlacement
{
    /// <summary>On as few loops as can serve all sessions without being busy; sessions move between statements.</summary>
    Auto,

    /// <summary>Where it was accepted: loops take clients in turn.</summary>
    Fixed,

    /// <summary>On another loop after each statement: for tests.</summary>
    Restless,
}

/// <param name="Loops">Threads that serve sockets; 0 is one per processor.</param>
public sealed record TransportConfig(TransportEngine Engine, int Loops, SessionPlacement Placement = SessionPlacement.Auto)
{
    public static TransportConfig Default { get; } = new(TransportEngine.Auto, 0);
}
