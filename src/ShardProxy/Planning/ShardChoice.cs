using System.Collections.Immutable;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Planning;

/// <summary>Which one shard.</summary>
public abstract record ShardChoice;

/// <summary>The home shard: tables that nobody declared, catalogs, sequences.</summary>
public sealed record HomeShard : ShardChoice
{
    public static HomeShard Instance { get; } = new();
}

/// <summary>Any shard will do (reference tables only, or no table at all): one that the transaction has joined, else home.</summary>
public sealed record AnyShard : ShardChoice
{
    public static AnyShard Instance { get; } = new();
}

/// <summary>
/// The shard on which every sharded relation of the statement has all the rows that the statement can touch: each of the
/// <paramref name="Relations"/> (one key set for each relation instance) must come to the same single shard.
/// </summary>
/// <param name="RequireKey">The statement inserts: among the sets are those of the keys to be stored (see <see cref="KeyEquals.Stored"/>).</param>
public sealed record KeyedShard(ImmutableArray<KeySet> Relations, bool RequireKey) : ShardChoice;

/// <summary>The key values to which a condition confines one relation.</summary>
public abstract record KeySet;

/// <summary>key = term: each of them where the term is a slot of several literals (an IN list). NULL gives the empty set.</summary>
/// <param name="Stored">The value becomes a row's key instead of being compared with one: it is converted to the column's type, and NULL is an error.</param>
public sealed record KeyEquals(KeyType Type, KeyTerm Term, bool Stored = false) : KeySet;

/// <summary>key = ANY(array): a parameter or an array literal.</summary>
public sealed record KeyInArray(KeyType Type, KeyTerm Array) : KeySet;

/// <summary>Comparisons that all hold, such as key >= 10 AND key < 20. Only for keys that are placed by ranges.</summary>
public sealed record KeyRange(KeyType Type, ImmutableArray<KeyBound> Bounds) : KeySet;

/// <param name="Comparison">key Comparison term.</param>
public sealed record KeyBound(KeyComparison Comparison, KeyTerm Term);

public enum KeyComparison
{
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// <summary>OR, IN lists, several rows of VALUES.</summary>
public sealed record KeyUnion(ImmutableArray<KeySet> Sets) : KeySet;

/// <summary>AND: each set holds, so the narrowest may be used; two that exclude each other give the empty set.</summary>
public sealed record KeyIntersection(ImmutableArray<KeySet> Sets) : KeySet;

/// <summary>
/// Of a table with zones: the values of its zone column and those of its key. The first say in which zones the second are
/// looked for; a key alone has one place in each zone (one in all where keys are placed by look-up), and a zone alone has all of its shards.
/// </summary>
/// <param name="Zones">Null where nothing confines the zone.</param>
/// <param name="Keys">Null where nothing confines the key; one of the two is not.</param>
/// <param name="Stored">They become a row's, so the zone has to be known.</param>
public sealed record ZonedKeys(PlacementRule Rule, KeySet? Zones, KeySet? Keys, bool Stored = false) : KeySet
{
    /// <summary>Null when neither is confined.</summary>
    public static KeySet? Of(PlacementRule rule, KeySet? zones, KeySet? keys, bool stored = false) =>
        zones is EmptyKeySet || keys is EmptyKeySet ? EmptyKeySet.Instance
        : zones is null && keys is null ? null
        : new ZonedKeys(rule, zones, keys, stored);
}

/// <summary>A condition that is never true.</summary>
public sealed record EmptyKeySet : KeySet
{
    public static EmptyKeySet Instance { get; } = new();
}

/// <summary>A key column's type: how its values are read and hashed.</summary>
/// <param name="Oid">Base type's object id; one of ShardProxy.Protocol.Values' key types.</param>
public sealed record KeyType(uint Oid, int TypeModifier)
{
    /// <summary>How the key finds its bucket; null: by its hash.</summary>
    public KeyPlacement? Placement { get; init; }

    /// <summary>
    /// The group's rule when it has zones, for a key: with a <see cref="ZoneRule"/> the buckets are positions in each zone's run
    /// (see <see cref="ZonedKeys"/>), with a <see cref="LookupRule"/> a zone says which buckets a row may have. Null for a table
    /// without zones, and for a zone column.
    /// </summary>
    public PlacementRule? Zones { get; init; }

    /// <summary>The column's operators order keys as their ranges do, so that comparisons confine them.</summary>
    public bool IsOrdered { get; init; }
}

/// <summary>Where a key value stands.</summary>
public abstract record KeyTerm;

/// <summary>A literal of the text, found again in every text of the shape by its slot.</summary>
/// <param name="Slot">Index of the literal slot (see Statements.ShapeScanner); a folded list makes all its values one slot.</param>
/// <param name="Negated">A minus sign stands before it.</param>
/// <param name="CastTo">Type that the text casts it to explicitly; 0 when it does not.</param>
public sealed record LiteralTerm(int Slot, bool Negated, uint CastTo) : KeyTerm;

/// <summary>$n, from 1.</summary>
public sealed record ParameterTerm(int Number, uint CastTo) : KeyTerm;

/// <summary>A value that no literal slot carries: true, false, NULL (null text), a constant of a view's definition.</summary>
public sealed record ConstantTerm(string? Text, uint CastTo) : KeyTerm;
