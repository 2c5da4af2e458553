using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Planning.Confinement;

/// <summary>One sharded table in one place of a statement.</summary>
/// <param name="Key">Its key column there.</param>
/// <param name="Scope">The facts that its rows must meet to matter.</param>
internal sealed record ShardedInstance(TableDistribution Table, ColumnVariable Key, KeyType KeyType, FactScope Scope)
{
    /// <summary>Its zone column there, and that column's type; null for a table without zones.</summary>
    public (ColumnVariable Column, KeyType Type)? Zone { get; init; }

    /// <summary>The columns that decide where a row is.</summary>
    public IEnumerable<ColumnVariable> Columns => Zone is { } zone ? [zone.Column, Key] : [Key];

    /// <summary>The columns whose values two shards never have in common: the key alone where it has one place in all zones.</summary>
    public IEnumerable<ColumnVariable> PartingColumns => KeyType.Zones is LookupRule ? [Key] : Columns;

    /// <summary>The values to which the facts confine the rows; null when nothing confines them.</summary>
    /// <param name="byPart">As <see cref="KeySolver"/> has it.</param>
    public KeySet? Confine(bool byPart = false)
    {
        var keys = new KeySolver(KeyType, stored: false, byPart).Solve(Key, Scope);
        return Zone is { } zone && KeyType.Zones is { } rule
            ? ZonedKeys.Of(rule, new KeySolver(zone.Type, stored: false, byPart).Solve(zone.Column, Scope), keys)
            : keys;
    }
}

/// <summary>A value that becomes the key of a row: it must lead to the shard on which the statement runs.</summary>
/// <param name="Set">Null: the value is not known beforehand.</param>
internal sealed record StoredKey(TableDistribution Table, Func<KeySet?> Set, StoredBy By);

/// <summary>What makes the value a row's key.</summary>
internal enum StoredBy
{
    Insert,

    /// <summary>SET of an UPDATE.</summary>
    Update,

    /// <summary>SET of ON CONFLICT DO UPDATE.</summary>
    Conflict,

    /// <summary>SET of a MERGE.</summary>
    Merge,

    /// <summary>None: it is the key argument of a function that was declared by it.</summary>
    Call,
}

/// <summary>What an analysis has met, gathered over the whole statement.</summary>
internal sealed class Findings
{
    /// <summary>Views and CTEs that name each other many times over multiply; beyond this many tables a statement is refused.</summary>
    private const int MaxInstances = 1000;

    public List<ShardedInstance> Instances { get; } = [];

    public List<StoredKey> StoredKeys { get; } = [];

    /// <summary>Each use of the rows that a part of WITH returns which writes: those rows are apart by their key, like a sharded table's.</summary>
    public List<ShardedInstance> WrittenRows { get; } = [];

    /// <summary>Such a use that does not show the key.</summary>
    public bool UsesWrittenRowsWithoutKey { get; set; }

    /// <summary>Names of relations that only the home shard has, in the order met.</summary>
    public List<string> HomeRelations { get; } = [];

    public bool ReadsReference { get; set; }

    public bool ReadsTemporary { get; set; }

    public string? WrittenReference { get; set; }

    /// <summary>Locks rows that it reads.</summary>
    public bool Locks { get; set; }

    /// <summary>Some of these may be rows of others than sharded tables.</summary>
    public bool LocksOthers { get; set; }

    /// <summary>A function whose state is the home shard's: a sequence, an advisory lock.</summary>
    public string? HomeFunction { get; set; }

    /// <summary>The first thing met whose value on one shard is not its value on all the data: it must not be computed shard by shard. Null when there is none.</summary>
    public string? Unspreadable { get; set; }

    /// <summary>A built-in volatile function: once for each row it may run anywhere, but what PostgreSQL computes once must not be computed once per shard.</summary>
    public string? VolatileFunction { get; set; }

    /// <summary>Every relation met of which the catalog knows the columns.</summary>
    public HashSet<Relation> Relations { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>COLLATE stands in the statement.</summary>
    public bool Collates { get; set; }

    /// <summary>The start of the statement or transaction: one value for all rows.</summary>
    public bool ReadsClock { get; set; }

    /// <summary>Where the text itself reads the start of the statement or transaction: byte offsets of now(), CURRENT_DATE and their kin.</summary>
    public SortedSet<int> ClockSites { get; } = [];

    /// <summary>The clock is read where the text does not show it, or in a way that no constant stands for.</summary>
    public bool ReadsHiddenClock { get; set; }

    /// <summary>The tables that the statement writes, in the order met.</summary>
    public List<ResolvedRelation> Written { get; } = [];

    /// <summary>Looks at catalogs, which differ a little between shards; matters only when nothing else decides.</summary>
    public bool PrefersHome { get; set; }

    public bool RequiresKey { get; set; }

    public Traits Traits { get; set; }

    /// <summary>The first reason not to run the statement.</summary>
    public RefusedPlan? Refusal { get; private set; }

    /// <summary>An INSERT gives no value for the key: the reason, which is none where the key is drawn.</summary>
    public RefusedPlan? MissingKey { get; private set; }

    public void RefuseMissingKey(string reason, string hint)
    {
        MissingKey ??= Refusals.Of(reason, hint);
        Refusal ??= MissingKey;
    }

    /// <summary>ON CONFLICT goes by a global index: the reason, which is none where the proxy itself looks for the row in conflict.</summary>
    public RefusedPlan? GlobalConflict { get; private set; }

    public void RefuseGlobalConflict(string reason, string hint)
    {
        GlobalConflict ??= Refusals.Of(reason, hint);
        Refusal ??= GlobalConflict;
    }

    public void Refuse(string reason, string? hint, string sqlState = Refusals.NotSupported) =>
        Refusal ??= new RefusedPlan(sqlState, reason, hint);

    public void Add(ShardedInstance instance)
    {
        Instances.Add(instance);
        if (Instances.Count > MaxInstances)
            throw new StatementTooComplexException();
    }

    public void AddHome(string name)
    {
        if (!HomeRelations.Contains(name))
            HomeRelations.Add(name);
    }
}

/// <summary>The analysis would take unreasonably long; the statement is refused.</summary>
internal sealed class StatementTooComplexException : Exception;
