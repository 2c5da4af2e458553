using ShardProxy.Directory.Placements;
using ShardProxy.Planning.Confinement;

namespace ShardProxy.Planning.Spreading;

/// <summary>
/// Proves that a SELECT may run on each shard for that shard's rows. Idea: some key column of the SELECT's rows (the
/// anchor) is never NULL, so the rows fall into one part per shard by the anchor's value. Each part is the SELECT with one
/// condition more: the anchor's value is one of the shard's. If that condition confines every sharded table of the
/// statement, wherever it stands, to the shard's keys, the shard has all that the part can touch.
/// </summary>
/// <remarks>
/// The condition is assumed as a fact like one in WHERE, with a term that stands for the shard's keys, and the
/// <see cref="KeySolver"/> follows it through joins, subqueries and outer joins by the rules that confine statements to
/// one shard: the proof is the same.
/// </remarks>
internal sealed class SpreadProof(Findings findings)
{
    /// <summary>Never leaves this class.</summary>
    private sealed record ShardKeys : KeyTerm;

    private static readonly ShardKeys Term = new();

    /// <summary>The keys that a SELECT's rows can be parted by, each with what confines it; empty when there is none.</summary>
    public List<ShardedInstance> AnchorsOf(Place block)
    {
        var anchors = new List<ShardedInstance>();
        var shown = new HashSet<ColumnVariable>();
        foreach (var list in block.Columns.Unqualified.Concat(block.Columns.Tables.Select(static table => table.Columns)))
        {
            foreach (var column in list.Columns)
            {
                if (column is { Nullable: false, Variable: { } used } && findings.WrittenRows.Find(written => ReferenceEquals(written.Key, used)) is { } rows && !anchors.Contains(rows))
                    anchors.Add(rows);
                if (column is not { Nullable: false, Variable: { IsKey: true } key })
                    continue;
                shown.Add(key);
                if (findings.Instances.Find(instance => ReferenceEquals(instance.Key, key)) is { } anchor && !anchors.Contains(anchor))
                    anchors.Add(anchor);
            }
        }
        // With zones the rows may be parted by both columns, so both are to be had.
        anchors.RemoveAll(anchor => anchor.Zone is { } zone && anchor.PartingColumns.Contains(zone.Column) && !shown.Contains(zone.Column));
        return anchors;
    }

    /// <summary>Whether every sharded table is confined once each of the blocks is parted by its anchor.</summary>
    /// <param name="mustStay">Whether rows with a key that is stored have to be the shard's own; null: all have.</param>
    public bool Holds(IReadOnlyList<(Place Block, ShardedInstance Anchor)> parts, Func<StoredKey, bool>? mustStay = null)
    {
        foreach (var (block, anchor) in parts)
        {
            foreach (var column in anchor.Columns)
                block.Facts.Facts.Add(new OneOf(column, [new Operand(Term, column.Family, IsArray: false, column.TypeOid)]));
        }
        try
        {
            return !findings.UsesWrittenRowsWithoutKey
                && findings.Instances.TrueForAll(instance => IsConfined(instance, parts[0].Anchor))
                && findings.WrittenRows.TrueForAll(written => IsConfined(written, parts[0].Anchor))
                && findings.StoredKeys.TrueForAll(stored => mustStay?.Invoke(stored) == false || IsConfined(stored, parts[0].Anchor));
        }
        finally
        {
            foreach (var (block, anchor) in parts)
            {
                var added = anchor.Columns.Count();
                block.Facts.Facts.RemoveRange(block.Facts.Facts.Count - added, added);
            }
        }
    }

    private static bool IsConfined(ShardedInstance instance, ShardedInstance anchor) =>
        instance.Table.Group == anchor.Table.Group
        && HashAlike(instance.KeyType, anchor.KeyType)
        && (instance.Zone is not { } zone || IsByLookUp(instance) || HashAlike(zone.Type, anchor.Zone!.Value.Type))
        && instance.Confine(byPart: true) is { } set
        && IsWithinShard(set);

    private static bool IsByLookUp(ShardedInstance instance) => instance.KeyType.Zones is LookupRule;

    /// <summary>A key that is stored is one of the shard's when it is the value of a key that is.</summary>
    private static bool IsConfined(StoredKey stored, ShardedInstance anchor) =>
        stored.Table.Group == anchor.Table.Group && stored.Set() is { } set && IsWithinShard(set) && HashAlike(set, anchor);

    private static bool HashAlike(KeySet set, ShardedInstance anchor) => set is ZonedKeys zoned
        ? anchor.Zone is { } zone && HashAlike(zoned.Keys!, anchor.KeyType) && HashAlike(zoned.Zones!, zone.Type)
        : HashAlike(set, anchor.KeyType);

    private static bool HashAlike(KeySet set, KeyType type) => set switch
    {
        KeyEquals equals => HashAlike(equals.Type, type),
        KeyUnion union => union.Sets.All(member => HashAlike(member, type)),
        KeyIntersection both => both.Sets.All(member => HashAlike(member, type)),
        _ => true,
    };

    private static bool IsWithinShard(KeySet set) => set switch
    {
        EmptyKeySet => true,
        KeyEquals equals => equals.Term is ShardKeys,
        // The key has one place, whatever the zone of a row that is read.
        ZonedKeys { Rule: LookupRule, Stored: false, Keys: { } keys } => IsWithinShard(keys),
        // Both come of one row of the anchor's: each is led back to it by equality.
        ZonedKeys { Zones: { } zones, Keys: { } keys } => IsWithinShard(zones) && IsWithinShard(keys),
        KeyUnion union => union.Sets.All(IsWithinShard),
        KeyIntersection both => both.Sets.Any(IsWithinShard),
        _ => false,
    };

    /// <summary>Equal values have equal hashes: within one type, the integers, and the texts.</summary>
    private static bool HashAlike(KeyType left, KeyType right) =>
        left.Oid == right.Oid
        || (TypeIds.IsInteger(left.Oid) && TypeIds.IsInteger(right.Oid))
        || (TypeIds.FamilyOf(left.Oid) == ValueFamily.Text && TypeIds.FamilyOf(right.Oid) == ValueFamily.Text);
}
