using System.Collections.Frozen;
using ShardProxy.Directory;

namespace ShardProxy.Catalog;

/// <summary>
/// What the home shard says of its relations, functions and types, and how the other shards number them. Immutable and
/// swapped whole after DDL. System schemas (pg_catalog, information_schema) are known by name only.
/// </summary>
public sealed class CatalogSnapshot
{
    private readonly FrozenDictionary<QualifiedName, Relation> _relations;
    private readonly FrozenDictionary<QualifiedName, FunctionInfo> _functions;

    public CatalogSnapshot(
        long version,
        int serverVersion,
        IEnumerable<Relation> relations,
        IEnumerable<FunctionInfo> functions,
        IReadOnlyList<ObjectIdMap> shardObjectIds)
    {
        Version = version;
        ServerVersion = serverVersion;
        _relations = relations.ToFrozenDictionary(static relation => relation.Name);
        // Overloads fold into one entry with the most cautious of their properties; the loader does that.
        _functions = functions.ToFrozenDictionary(static function => function.Name);
        ShardObjectIds = shardObjectIds;
    }

    private CatalogSnapshot(CatalogSnapshot other, IEnumerable<TableProblem> problems)
    {
        _relations = other._relations;
        _functions = other._functions;
        Version = other.Version;
        ServerVersion = other.ServerVersion;
        ShardObjectIds = other.ShardObjectIds;
        KnownShards = other.KnownShards;
        Schemas = other.Schemas;
        DefaultOrdersByBytes = other.DefaultOrdersByBytes;
        ShardDifferences = other.ShardDifferences;
        Problems = problems.ToFrozenDictionary(static problem => problem.Table);
    }

    public static CatalogSnapshot Empty { get; } = new(0, 0, [], [], []);

    public long Version { get; }

    /// <summary>server_version_num of the home shard, such as 150018.</summary>
    public int ServerVersion { get; }

    public IReadOnlyDictionary<QualifiedName, Relation> Relations => _relations;

    public IReadOnlyDictionary<QualifiedName, FunctionInfo> Functions => _functions;

    /// <summary>By shard index: that shard's object ids against the home shard's. Empty map for index 0.</summary>
    public IReadOnlyList<ObjectIdMap> ShardObjectIds { get; }

    /// <summary>The users' schemas; PostgreSQL passes over names in search_path that are no schema.</summary>
    public FrozenSet<string> Schemas { get; init; } = FrozenSet.Create(StringComparer.Ordinal, "public");

    /// <summary>Text under the home database's own collation is ordered by its bytes; the same on every shard while <see cref="AreShardsAlike"/>.</summary>
    public bool DefaultOrdersByBytes { get; init; }

    /// <summary>By shard index: how its server's and database's defaults differ from the home shard's, in words (see <see cref="ShardNature"/>).</summary>
    public IReadOnlyList<IReadOnlyList<string>> ShardDifferences { get; init; } = [];

    /// <summary>A condition or an expression has one value on whichever shard it is computed. While false, only the home shard computes what spans shards.</summary>
    public bool AreShardsAlike => ShardDifferences.All(static differences => differences.Count == 0);

    /// <summary>Element i is true when shard i's object ids have been read. Before that no row of a user type may be passed on from it: its ids could mean other types.</summary>
    public IReadOnlyList<bool> KnownShards { get; init; } = [];

    /// <summary>Tables that must not be used, and why.</summary>
    public IReadOnlyDictionary<QualifiedName, TableProblem> Problems { get; } = FrozenDictionary<QualifiedName, TableProblem>.Empty;

    public TableProblem? FindProblem(QualifiedName table) => Problems.GetValueOrDefault(table);

    /// <summary>Whether <see cref="ShardObjectIds"/> can be trusted for a shard; true for shards that this snapshot says nothing about, as in tests.</summary>
    public bool IsShardKnown(int shard) => shard >= KnownShards.Count || KnownShards[shard];

    /// <summary>The same catalog with other problems.</summary>
    public CatalogSnapshot WithProblems(IEnumerable<TableProblem> problems) => new(this, problems);

    public Relation? FindRelation(QualifiedName name) => _relations.GetValueOrDefault(name);

    public FunctionInfo? FindFunction(QualifiedName name) => _functions.GetValueOrDefault(name);
}

public enum RelationKind
{
    Table,
    PartitionedTable,
    View,
    MaterializedView,
    ForeignTable,
    Sequence,
    Composite,
    Index,
}

/// <param name="ViewDefinition">pg_get_viewdef of a view with every name qualified; null otherwise.</param>
/// <param name="Parent">The partitioned table or inheritance parent that this is a part of; null otherwise.</param>
public sealed record Relation(
    QualifiedName Name,
    uint Oid,
    RelationKind Kind,
    IReadOnlyList<Column> Columns,
    string? ViewDefinition,
    QualifiedName? Parent)
{
    public Column? FindColumn(string name)
    {
        foreach (var column in Columns)
        {
            if (string.Equals(column.Name, name, StringComparison.Ordinal))
                return column;
        }
        return null;
    }

    /// <summary>The table that an index, or a sequence owned by a column, belongs to; null otherwise.</summary>
    public QualifiedName? Table { get; init; }

    /// <summary>Unique columns without the shard key, which the proxy keeps unique over all shards.</summary>
    public IReadOnlyList<GlobalIndex> GlobalIndexes { get; init; } = [];

    /// <summary>Foreign keys carry changes of its rows to tables that have <see cref="GlobalIndexes"/>.</summary>
    public bool ReachesGlobalIndexes { get; init; }

    /// <summary>User triggers, rewrite rules or row security make a statement do more than it says.</summary>
    public bool HasTriggers { get; init; }

    /// <summary>Triggers that fire once for a statement, or rewrite rules: what they do on each of several shards is not what they would do once.</summary>
    public bool ActsOnStatements { get; init; }

    /// <summary>Policies decide which rows a statement sees and may store.</summary>
    public bool HasRowSecurity { get; init; }

    /// <summary>What its own triggers BEFORE INSERT FOR EACH ROW run: bodies in PL/pgSQL, null for each in another language.</summary>
    public IReadOnlyList<string?> InsertTriggers { get; init; } = [];
}

/// <param name="TypeOid">The column's type; for a domain the base type.</param>
/// <param name="TypeModifier">atttypmod, -1 when there is none.</param>
/// <param name="DeterministicCollation">False when equal strings may differ in their bytes.</param>
/// <param name="IsGenerated">GENERATED ALWAYS AS (…) STORED, which no INSERT lists.</param>
public sealed record Column(string Name, short Number, uint TypeOid, int TypeModifier, bool NotNull, bool HasDefault, bool IsGenerated, bool DeterministicCollation)
{
    /// <summary>The default's expression with every name qualified (nextval(…) for serial columns); null without one, and for identity columns.</summary>
    public string? Default { get; init; }

    /// <summary>Operators such as &lt; go by the bytes of values: not text, or text under a collation such as "C".</summary>
    public bool OrdersByBytes { get; init; }

    /// <summary>Text under another collation than the database's own.</summary>
    public bool HasOwnCollation { get; init; }

    /// <summary>The type has functions that send and receive it in binary; aclitem, for one, has not.</summary>
    public bool HasBinaryForm { get; init; } = true;

    /// <summary>The type is a domain, which may forbid NULL and other values.</summary>
    public bool IsDomain { get; init; }

    /// <summary>GENERATED … AS IDENTITY: the default is the next value of a sequence.</summary>
    public bool IsIdentity { get; init; }

    /// <summary>GENERATED ALWAYS AS IDENTITY: a value of the writer's own needs OVERRIDING SYSTEM VALUE.</summary>
    public bool IsIdentityAlways { get; init; }

    /// <summary>The sequence whose next value is the whole default, by its object id on the home shard; 0 when there is none.</summary>
    public uint Sequence { get; init; }
}

/// <summary>A unique index of a sharded table that does not contain the shard key. Beside it, each shard has a part of a table of entries.</summary>
/// <param name="Id">The same on all shards: of the entries, their function, and the triggers that report changes.</param>
/// <param name="Name">The index's or constraint's.</param>
/// <param name="Columns">In the index's order; of an index that is not plain, those that it uses.</param>
public sealed record GlobalIndex(string Id, string Name, IReadOnlyList<string> Columns)
{
    /// <summary>Of columns alone, and for all rows: no expressions, no condition.</summary>
    public bool IsPlain { get; init; } = true;

    /// <summary>How errors name what is unique.</summary>
    public string Title { get; init; } = string.Join(", ", Columns);

    /// <summary>Its triggers are the system's to PostgreSQL: not shown, and no user's.</summary>
    public bool HasSystemTriggers { get; init; }

    /// <summary>How many values that is.</summary>
    public int Width { get; init; } = Columns.Count;

    /// <summary>The columns are the table's primary key, to which a foreign key without a list refers.</summary>
    public bool IsPrimary { get; init; }
}

public enum FunctionVolatility
{
    Immutable,
    Stable,
    Volatile,
}

/// <summary>A user function or procedure (not one of pg_catalog's).</summary>
public sealed record FunctionInfo(QualifiedName Name, FunctionVolatility Volatility, string Language, string? Body)
{
    /// <summary>Which argument says on which shard it runs; null unless every overload is declared alike.</summary>
    public FunctionKey? Key { get; init; }
}

/// <summary>The key argument of a function declared with create_distributed_function.</summary>
/// <param name="Position">Among the arguments of a call, from 1.</param>
/// <param name="Type">Its type.</param>
/// <param name="Name">For calls with name => value; null when it has none.</param>
/// <param name="Table">A sharded table of whose key it is a value, as <see cref="QualifiedName.ToString"/> writes it.</param>
public sealed record FunctionKey(int Position, uint Type, string? Name, string Table);

/// <summary>Object ids of one shard that stand for other ids on the home shard: types and relations of users.</summary>
public sealed class ObjectIdMap
{
    private readonly FrozenDictionary<uint, uint> _toHome;
    private readonly FrozenDictionary<uint, uint> _fromHome;

    public ObjectIdMap(IReadOnlyDictionary<uint, uint> toHome, TypeStructures? structures = null)
    {
        Structures = structures ?? TypeStructures.Empty;
        _toHome = toHome.ToFrozenDictionary();
        _fromHome = toHome.ToDictionary(static pair => pair.Value, static pair => pair.Key).ToFrozenDictionary();
    }

    public static ObjectIdMap Identity { get; } = new(new Dictionary<uint, uint>());

    /// <summary>What the shard's types are made of.</summary>
    public TypeStructures Structures { get; }

    /// <summary>Values of this type (the home shard's id) hold object ids in the binary format.</summary>
    public bool HoldsObjectIds(uint homeType) => Structures.Find(FromHome(homeType)).Form != TypeForm.Plain;

    /// <summary>Nothing to translate.</summary>
    public bool IsIdentity => _toHome.Count == 0;

    /// <summary>First object id that initdb does not hand out (FirstNormalObjectId in access/transam.h): lower ids are the same everywhere.</summary>
    public const uint FirstUserObjectId = 16384;

    public uint ToHome(uint oid) => oid >= FirstUserObjectId && _toHome.TryGetValue(oid, out var home) ? home : oid;

    public uint FromHome(uint oid) => oid >= FirstUserObjectId && _fromHome.TryGetValue(oid, out var local) ? local : oid;
}
