using System.Collections.Immutable;

namespace ShardProxy.Planning;

/// <summary>
/// What is to be done with one statement: a small closed set. A plan is a template: it holds for every text of the same
/// shape, and <see cref="KeySet"/>s say where this text's key values stand. After planning nobody reads SQL again.
/// </summary>
public abstract record Plan;

/// <summary>The statement runs as it stands on one shard.</summary>
public sealed record OneShardPlan(ShardChoice Choice) : Plan
{
    /// <summary>What is done when an execution's keys live on several shards or cannot be read; null: refused.</summary>
    public Plan? Otherwise { get; init; }
}

/// <summary>
/// The keys of this execution leave no one shard: the text is planned again as one whose keys are not known. Stands in for
/// plans that hold for one text only, which a template cannot have.
/// </summary>
public sealed record ReplanPlan : Plan
{
    public static ReplanPlan Instance { get; } = new();
}

/// <summary>The statement runs as it stands (or as <paramref name="Text"/> has it) on every shard; the home shard's reply is the client's.</summary>
/// <param name="Text">Replaces the statement, e.g. CREATE ROLE with the password already hashed; null keeps it.</param>
public sealed record EveryShardPlan(string? Text) : Plan
{
    /// <summary>What the shards other than home run instead, because some of the relations are on the home shard only; null: the same.</summary>
    public string? Elsewhere { get; init; }

    /// <summary>Set where shards can say whether it has been done there already.</summary>
    public ConcurrentIndex? Index { get; init; }

    /// <summary>The relations that the statement is about, as it names them; null where it names none or they do not matter.</summary>
    public string? Subject { get; init; }

    /// <summary>A column of the table draws from a sequence from now on.</summary>
    internal Commands.Numbering? Numbering { get; init; }

    /// <summary>Set for CREATE INDEX of a name. Where the name is taken, only the home shard is asked: it says so.</summary>
    public NewIndex? NewIndex { get; init; }

    /// <summary>The text has <see cref="Writing.StatementClock"/>'s marks, where the home shard's time goes.</summary>
    public bool ReadsClock { get; init; }
}

/// <summary>SELECT count(*) … of one sharded table: every shard counts its rows, and the counts are added up.</summary>
public sealed record CountEverywherePlan : Plan;

/// <summary>COPY … FROM STDIN / TO STDOUT of a declared table.</summary>
/// <param name="KeyOrdinal">Position of the key among the columns copied, from 0; -1 for a reference table.</param>
public sealed record CopyPlan(bool From, Directory.TableDistribution Table, int KeyOrdinal, KeyType? KeyType, int ColumnCount, CopyOptions Options) : Plan
{
    /// <summary>Position of the column that says a row's zone, among the client's; -1 for a table without zones.</summary>
    public int ZoneOrdinal { get; init; } = -1;

    public KeyType? ZoneType { get; init; }

    /// <summary>Columns that the client's data leave out and that draw from a sequence: each row gets them behind its own. The key may be one of them.</summary>
    internal ImmutableArray<Drawing.DrawnColumn> Drawn { get; init; } = [];

    /// <summary>Columns that the client's data leave out and whose default is the time: each row gets them behind the drawn ones, with one value for all.</summary>
    internal ImmutableArray<Writing.ClockColumn> Clocked { get; init; } = [];
}

/// <summary>BEGIN and its kin. The text itself goes to the shards that have joined.</summary>
public sealed record TransactionPlan(TransactionVerb Verb, string? Name, bool Chain) : Plan
{
    /// <summary>BEGIN with characteristics: the SET TRANSACTION that says the same of a block already begun; null without any.</summary>
    public string? Characteristics { get; init; }

    /// <summary>BEGIN … READ ONLY or READ WRITE; null when it says neither.</summary>
    public bool? SaysReadOnly => Characteristics switch
    {
        { } said when said.Contains("READ WRITE", StringComparison.Ordinal) => false,
        { } said when said.Contains("READ ONLY", StringComparison.Ordinal) => true,
        _ => null,
    };
}

public enum TransactionVerb
{
    Begin,
    Commit,
    Rollback,
    Savepoint,
    Release,
    RollbackTo,
    PrepareTransaction,
    CommitPrepared,
    RollbackPrepared,
}

/// <summary>SET and RESET in all spellings, and SELECT set_config(…): belongs to the client's session.</summary>
/// <param name="Name">The setting in lower case; "transaction_isolation" etc. for SET TRANSACTION; null for RESET ALL.</param>
/// <param name="Value">For shardproxy.* settings and set_config: the text value when it is a constant.</param>
/// <param name="IsFunction">SELECT set_config(…): replies with a row.</param>
public sealed record SettingPlan(SettingVerb Verb, string? Name, string? Value, bool IsFunction) : Plan
{
    /// <summary>set_config with a parameter as its value: its number, from 1; 0 otherwise.</summary>
    public int ValueParameter { get; init; }

    /// <summary>Other settings of the same statement, in order: SET TRANSACTION, SET SESSION CHARACTERISTICS and SELECT set_config(…), set_config(…).</summary>
    public ImmutableArray<SettingValue> More { get; init; } = [];
}

/// <param name="IsLocal">For set_config: lasts until the transaction ends.</param>
public sealed record SettingValue(string Name, string? Value, bool IsLocal = false);

public enum SettingVerb
{
    Set,
    SetLocal,
    SetTransaction,
    Reset,
    ResetAll,
}

/// <summary>SHOW of a setting of the proxy's own: answered here.</summary>
/// <param name="Name">In lower case, starting with "shardproxy.".</param>
public sealed record ShowPlan(string Name) : Plan;

public sealed record DiscardPlan(DiscardWhat What) : Plan;

public enum DiscardWhat
{
    All,
    Plans,
    Sequences,
    Temp,
}

/// <summary>SQL-level PREPARE: <see cref="BodyStart"/> and <see cref="BodyEnd"/> are byte offsets in the statement's text of this very template, so PREPARE is never cached.</summary>
/// <param name="Body">The inner statement's text.</param>
/// <param name="ParameterTypes">Object ids of the declared types; 0 where a type is not one that a key can have.</param>
public sealed record PreparePlan(string Name, string Body, ImmutableArray<uint> ParameterTypes, PlannedStatement Inner) : Plan
{
    public int BodyStart { get; init; }

    public int BodyEnd { get; init; }
}

/// <summary>SQL-level EXECUTE. The arguments are key terms in order, so that the inner plan's parameters can be bound.</summary>
public sealed record ExecutePlan(string Name, ImmutableArray<KeyTerm?> Arguments) : Plan
{
    /// <summary>EXPLAIN stands before it; null when it does not, or when only a server can read its options.</summary>
    public ExplainPlan? Explain { get; init; }
}

/// <param name="Name">Null for DEALLOCATE ALL.</param>
public sealed record DeallocatePlan(string? Name) : Plan;

/// <summary>DECLARE, FETCH, MOVE, CLOSE: a cursor stays where it was declared.</summary>
/// <param name="Name">Null for CLOSE ALL.</param>
/// <param name="Inner">Where DECLARE's query runs; null otherwise.</param>
public sealed record CursorPlan(CursorVerb Verb, string? Name, ShardChoice? Inner, bool WithHold) : Plan;

public enum CursorVerb
{
    Declare,
    Fetch,
    Close,
}

/// <summary>SELECT create_distributed_table(…) or create_reference_table(…).</summary>
public sealed record DistributePlan(string Table, string? Key, string? ColocateWith, bool Reference) : Plan
{
    /// <summary>How keys find their buckets when the table founds a group: hash, range, list or lookup.</summary>
    public string Strategy { get; init; } = "hash";

    /// <summary>The column that says a row's zone; null for a table without zones, and for a colocated one whose column has the other's name.</summary>
    public string? ZoneColumn { get; init; }

    /// <summary>The zones in the notation of Directory.Placements.ZoneRule; null for a table without zones, and for a colocated one.</summary>
    public string? Zones { get; init; }

    /// <summary>The ranges or lists, in the notation of Directory.Placements.PlacementText; of a lookup table the policy; null for hash.</summary>
    public string? Placement { get; init; }
}

/// <summary>SELECT add_shard_range(…), add_shard_list(…), add_shard_zone(…) or split_shard_range(…): changes how the keys of a table's group find their buckets.</summary>
/// <param name="Text">The range, the list, the zone, or the key at which a range is split.</param>
public sealed record PlacementPlan(PlacementVerb Verb, string Table, string Text) : Plan
{
    public string FunctionName => Verb switch
    {
        PlacementVerb.AddRange => "add_shard_range",
        PlacementVerb.AddList => "add_shard_list",
        PlacementVerb.AddZone => "add_shard_zone",
        _ => "split_shard_range",
    };
}

/// <summary>SELECT move_shard_key(…): moves one key of a lookup table, with its rows in all tables of the group, to a shard.</summary>
/// <param name="Key">As a quoted literal of the key's type has it.</param>
public sealed record MoveKeyPlan(string Table, string Key, string Shard) : Plan;

/// <summary>SELECT add_shard(…): a further server becomes a shard of the database.</summary>
/// <param name="Target">host, port, dbname and sslmode as a libpq connection string has them.</param>
public sealed record AddShardPlan(string Name, string Target) : Plan;

public enum PlacementVerb
{
    AddRange,
    AddList,
    AddZone,
    SplitRange,
}

/// <summary>EXPLAIN (SHARDS): says where the statement would go, as rows, and runs nothing.</summary>
public sealed record ExplainShardsPlan(PlannedStatement Inner) : Plan;

/// <summary>A text without a statement.</summary>
public sealed record EmptyPlan : Plan
{
    public static EmptyPlan Instance { get; } = new();
}

/// <summary>The proxy does not run it: SQLSTATE, the reason and what to do instead.</summary>
public sealed record RefusedPlan(string SqlState, string Reason, string? Hint) : Plan;

/// <summary>PostgreSQL 15's grammar does not know the text: the session asks the home shard whether it is an error or a newer server's syntax.</summary>
public sealed record UnreadPlan(string Message, int Position) : Plan;

/// <summary>What the session must know of a statement besides where it runs.</summary>
[Flags]
public enum Traits
{
    None = 0,

    /// <summary>May change data (also a SELECT that calls a volatile user function).</summary>
    Writes = 1,

    /// <summary>Changes what the catalog snapshot says; it is read again when the statement has committed.</summary>
    ChangesCatalog = 2,

    /// <summary>PostgreSQL refuses it inside a transaction block.</summary>
    NotInTransaction = 4,

    /// <summary>Takes or may take something that lives in the server session: an advisory lock, LISTEN, a temporary table.</summary>
    Pins = 8,

    /// <summary>Releases everything of the kind (pg_advisory_unlock_all, UNLISTEN *).</summary>
    Unpins = 16,

    /// <summary>May change the server session in ways that cannot be read from the text (DO, CALL, a volatile user function): the server connection is reset before another client gets it.</summary>
    Taints = 32,

    /// <summary>Names a relation that the catalog snapshot does not have; could be a temporary table of this session or one made elsewhere.</summary>
    NamesUnknownRelation = 64,

    /// <summary>CREATE TEMPORARY …: the relation belongs to this session.</summary>
    CreatesTemporary = 128,

    /// <summary>Depends on the transaction's own state (SHOW, FETCH …): runs where the transaction already is.</summary>
    FollowsTransaction = 256,

    /// <summary>PostgreSQL refuses it outside a transaction block (LOCK TABLE).</summary>
    OnlyInTransaction = 512,

    /// <summary>Draws from a sequence on a server, so that what currval() and lastval() say is known there only.</summary>
    DrawsOnServer = 1024,

    /// <summary>Reads currval() or lastval() on a server.</summary>
    ReadsSequences = 2048,
}

/// <summary>One statement of a text.</summary>
/// <param name="Verb">The command in lower case for logs and metrics: "select", "insert", "create table".</param>
public sealed record PlannedStatement(Plan Plan, Traits Traits, string Verb)
{
    /// <summary>The unqualified name of a view or function that it makes.</summary>
    public string? Defines { get; init; }

    /// <summary>What it makes reads sharded tables.</summary>
    public bool DefinesOverShards { get; init; }

    /// <summary>With <see cref="Traits.CreatesTemporary"/>: the unqualified name of the new relation.</summary>
    public string? TemporaryRelation { get; init; }

    /// <summary>A parameter that gives a key stands more than once in the text: undeclared, its type is the server's to tell.</summary>
    public bool SharesKeyParameter { get; init; }
}

/// <summary>
/// INSERT … SELECT into a sharded table from a query that reads no table and gives the same rows wherever it runs: every
/// shard runs it and keeps the rows that are its own.
/// </summary>
/// <param name="Head">INSERT INTO … (…), as written.</param>
/// <param name="Query">The query, as written.</param>
/// <param name="ColumnCount">Columns of the query.</param>
public sealed record InsertEverywherePlan(string Head, string Query, int ColumnCount, int KeyOrdinal, KeyType KeyType) : Plan
{
    /// <summary>As <see cref="Writing.WritePlan.KeepsEntries"/>.</summary>
    public bool KeepsEntries { get; init; }
}
