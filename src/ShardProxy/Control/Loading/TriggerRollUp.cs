using ShardProxy.Catalog;
using ShardProxy.Directory;

namespace ShardProxy.Control.Loading;

/// <summary>A statement on a parent reaches its partitions and children, so their triggers are the parent's too.</summary>
internal static class TriggerRollUp
{
    public static IReadOnlyList<Relation> Apply(List<Relation> relations)
    {
        var byName = new Dictionary<QualifiedName, int>(relations.Count);
        for (var index = 0; index < relations.Count; index++)
            byName[relations[index].Name] = index;
        for (var index = 0; index < relations.Count; index++)
        {
            if (!relations[index].HasTriggers)
                continue;
            for (var parent = relations[index].Parent; parent is { } name && byName.TryGetValue(name, out var at); parent = relations[at].Parent)
            {
                if (relations[at].HasTriggers && (relations[at].ActsOnStatements || !relations[index].ActsOnStatements))
                    break;
                relations[at] = relations[at] with { HasTriggers = true, ActsOnStatements = relations[at].ActsOnStatements || relations[index].ActsOnStatements };
            }
        }
        return relations;
    }
}
