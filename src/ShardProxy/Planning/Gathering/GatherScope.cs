namespace ShardProxy.Planning.Gathering;

/// <summary>The names that WITH gives at one place, which hide tables.</summary>
internal sealed class GatherScope(GatherScope? parent)
{
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);

    public void Add(string name) => _names.Add(name);

    public bool Contains(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._names.Contains(name))
                return true;
        }
        return false;
    }

    private GatherScope? Parent { get; } = parent;
}
