using ShardProxy.Catalog;
using ShardProxy.Directory;

namespace ShardProxy.Control.Routing;

/// <summary>The home shard's relations by name, by object id and by parentage.</summary>
internal sealed class RelationTree
{
    private readonly Dictionary<QualifiedName, Relation> _byName;
    private readonly Dictionary<uint, Relation> _byOid;
    private readonly HashSet<QualifiedName> _inherited = [];

    public RelationTree(IReadOnlyList<Relation> relations)
    {
        _byName = new Dictionary<QualifiedName, Relation>(relations.Count);
        _byOid = new Dictionary<uint, Relation>(relations.Count);
        foreach (var relation in relations)
        {
            _byName[relation.Name] = relation;
            _byOid[relation.Oid] = relation;
        }
        foreach (var relation in relations)
        {
            if (relation.Parent is { } parent && Find(parent)?.Kind == RelationKind.Table)
                _inherited.Add(parent);
        }
    }

    public Relation? Find(QualifiedName name) => _byName.GetValueOrDefault(name);

    public Relation? Find(uint oid) => _byOid.GetValueOrDefault(oid);

    /// <summary>An ordinary table that others inherit from.</summary>
    public bool HasInheritanceChildren(Relation relation) => _inherited.Contains(relation.Name);

    /// <summary>The topmost parent, which is what can be declared.</summary>
    public Relation? RootOf(uint oid)
    {
        var relation = Find(oid);
        while (relation?.Parent is { } parent && Find(parent) is { } above)
            relation = above;
        return relation;
    }
}
