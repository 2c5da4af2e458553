using ShardProxy.Catalog;

namespace ShardProxy.Control.Loading;

/// <summary>Pairs a shard's object ids with the home shard's by qualified name.</summary>
internal static class ObjectIdMaps
{
    public static ObjectIdMap Build(ShardObjects home, ShardObjects shard)
    {
        var toHome = new Dictionary<uint, uint>();
        var claimed = new Claims([], []);
        foreach (var (name, local) in shard.Types)
        {
            if (!home.Types.TryGetValue(name, out var other))
                continue;
            Pair(toHome, claimed, local.Type, other.Type);
            Pair(toHome, claimed, local.Array, other.Array);
            Pair(toHome, claimed, local.Multirange, other.Multirange);
            Pair(toHome, claimed, local.MultirangeArray, other.MultirangeArray);
        }
        // Types and relations live in different catalogs, so one id may stand for both. Values and parameters carry ids of
        // types; a relation's id, which RowDescription shows, yields where the two meet.
        foreach (var (name, local) in shard.Relations)
        {
            if (home.Relations.TryGetValue(name, out var other))
                Pair(toHome, claimed, local, other);
        }
        return toHome.Count == 0 ? ObjectIdMap.Identity : new ObjectIdMap(toHome, Structures(shard.Types.Values));
    }

    private static TypeStructures Structures(IEnumerable<TypeIds> types)
    {
        var structures = new Dictionary<uint, TypeStructure>();
        var domains = new List<TypeIds>();
        foreach (var type in types)
        {
            if (type.Kind == 'd')
                domains.Add(type);
            else if (type.Kind == 'c')
                structures[type.Type] = new TypeStructure(TypeForm.Composite, 0);
            else if (type.Kind == 'r')
                structures[type.Type] = new TypeStructure(TypeForm.Range, type.Inner);
            structures[type.Array] = new TypeStructure(TypeForm.Array, type.Type);
            structures[type.Multirange] = new TypeStructure(TypeForm.Multirange, type.Type);
            structures[type.MultirangeArray] = new TypeStructure(TypeForm.Array, type.Multirange);
        }
        // A domain's base may be a domain that comes later, so as often as they can nest.
        for (var pass = 0; pass < domains.Count; pass++)
        {
            var changed = false;
            foreach (var domain in domains)
                changed |= structures.TryGetValue(domain.Inner, out var structure) && structures.TryAdd(domain.Type, structure);
            if (!changed)
                break;
        }
        structures.Remove(0);
        return new TypeStructures(structures);
    }

    private static void Pair(Dictionary<uint, uint> toHome, Claims claimed, uint local, uint home)
    {
        if (local == 0 || home == 0 || claimed.Local.Contains(local) || claimed.Home.Contains(home))
            return;
        claimed.Local.Add(local);
        claimed.Home.Add(home);
        if (local != home)
            toHome.Add(local, home);
    }

    /// <summary>Ids that are paired already, equal ones too.</summary>
    private sealed record Claims(HashSet<uint> Local, HashSet<uint> Home);
}
