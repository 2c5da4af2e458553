namespace ShardProxy.Control.Loading;

/// <summary>Resolves domains, also domains over domains, to their base types.</summary>
internal sealed class DomainTypes
{
    private readonly Dictionary<uint, (uint Base, int Modifier, bool NotNull)> _domains = [];

    public void Add(uint domain, uint baseType, int modifier, bool notNull) => _domains[domain] = (baseType, modifier, notNull);

    /// <summary>The base type, its modifier (the innermost that is set), and whether any domain on the way forbids NULL.</summary>
    public (uint Type, int Modifier, bool NotNull) Resolve(uint type, int modifier)
    {
        var notNull = false;
        while (_domains.TryGetValue(type, out var domain))
        {
            type = domain.Base;
            modifier = domain.Modifier;
            notNull |= domain.NotNull;
        }
        return (type, modifier, notNull);
    }
}
