using System.Collections.Immutable;

namespace ShardProxy.Planning.Confinement;

/// <summary>Builds unions and intersections, folding what can be folded without knowing the values.</summary>
internal static class KeySets
{
    public static KeySet Union(List<KeySet> sets)
    {
        var members = new List<KeySet>();
        foreach (var set in sets)
        {
            if (set is EmptyKeySet)
                continue;
            if (set is KeyUnion union)
                AddDistinct(members, union.Sets);
            else
                AddDistinct(members, [set]);
        }
        return members.Count switch
        {
            0 => EmptyKeySet.Instance,
            1 => members[0],
            _ => new KeyUnion([.. members]),
        };
    }

    /// <summary>Null when there is nothing to intersect.</summary>
    public static KeySet? Intersection(List<KeySet> sets)
    {
        var members = new List<KeySet>();
        foreach (var set in sets)
        {
            if (set is EmptyKeySet)
                return EmptyKeySet.Instance;
            if (set is KeyIntersection intersection)
                AddDistinct(members, intersection.Sets);
            else
                AddDistinct(members, [set]);
        }
        return members.Count switch
        {
            0 => null,
            1 => members[0],
            _ => new KeyIntersection([.. members]),
        };
    }

    public static bool Same(KeySet left, KeySet right) => (left, right) switch
    {
        (KeyUnion a, KeyUnion b) => Same(a.Sets, b.Sets),
        (KeyIntersection a, KeyIntersection b) => Same(a.Sets, b.Sets),
        (ZonedKeys a, ZonedKeys b) => a.Stored == b.Stored && ReferenceEquals(a.Rule, b.Rule) && SameOrNone(a.Zones, b.Zones) && SameOrNone(a.Keys, b.Keys),
        (KeyRange a, KeyRange b) => a.Type == b.Type && a.Bounds.SequenceEqual(b.Bounds),
        _ => left.Equals(right),
    };

    private static bool SameOrNone(KeySet? left, KeySet? right) => left is null || right is null ? left is null && right is null : Same(left, right);

    private static bool Same(ImmutableArray<KeySet> left, ImmutableArray<KeySet> right)
    {
        if (left.Length != right.Length)
            return false;
        for (var index = 0; index < left.Length; index++)
        {
            if (!Same(left[index], right[index]))
                return false;
        }
        return true;
    }

    private static void AddDistinct(List<KeySet> members, ImmutableArray<KeySet> sets)
    {
        foreach (var set in sets)
        {
            if (!members.Exists(member => Same(member, set)))
                members.Add(set);
        }
    }
}
