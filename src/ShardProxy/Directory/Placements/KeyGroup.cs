using System.Collections.Concurrent;
using ShardProxy.Directory.Lookup;

namespace ShardProxy.Directory.Placements;

/// <summary>A colocation group that is not placed by hash. Immutable; versions of the directory that leave it alone share it.</summary>
public sealed class KeyGroup(string name, PlacementRule rule)
{
    private readonly ConcurrentDictionary<uint, Compiled> _compiled = new();
    private readonly ConcurrentDictionary<uint, Compiled> _compiledZones = new();

    public string Name { get; } = name;

    public PlacementRule Rule { get; } = rule;

    /// <summary>What the proxy knows of the places of keys; set by the snapshot before anything is planned by it, and never set for a group that is only looked at.</summary>
    internal LookupCache? Cache
    {
        get;
        set
        {
            if (ReferenceEquals(field, value))
                return;
            field = value;
            _compiled.Clear();
        }
    }

    /// <summary>The rule for keys of a type (a base type's object id); called when a statement is planned, not when it runs.</summary>
    /// <param name="problem">Why the rule makes no sense for the type; null when it does.</param>
    /// <returns>Null with a problem, and for keys that are placed by hash within their zones.</returns>
    public KeyPlacement? For(uint type, out string? problem)
    {
        var compiled = _compiled.GetOrAdd(type, static (key, group) => group.Compile(key), this);
        problem = compiled.Problem;
        return compiled.Placement;
    }

    /// <summary>As <see cref="For"/>, for the column that says a row's zone; only of a group with zones.</summary>
    public ZonePlacement? ForZone(uint type, out string? problem)
    {
        var compiled = _compiledZones.GetOrAdd(type, static (key, group) => CompileZones(key, group.Rule), this);
        problem = compiled.Problem;
        return compiled.Placement as ZonePlacement;
    }

    private static Compiled CompileZones(uint type, PlacementRule rule)
    {
        try
        {
            return new Compiled(new ZonePlacement(rule, type), null);
        }
        catch (PlacementException exception)
        {
            return new Compiled(null, exception.Message);
        }
    }

    private Compiled Compile(uint type)
    {
        try
        {
            return new Compiled(
                (Rule is ZoneRule zones ? zones.Inner : Rule) switch
                {
                    null => null,
                    RangeRule range => new RangePlacement(range, type),
                    ListRule list => new ListPlacement(list, type),
                    LookupRule lookup => new LookupPlacement(lookup, Name, type, Cache ?? new LookupCache(0, sharesStore: false)),
                    _ => throw new PlacementException($"there is no strategy {Rule.Strategy}"),
                },
                null);
        }
        catch (PlacementException exception)
        {
            return new Compiled(null, exception.Message);
        }
    }

    private sealed record Compiled(KeyPlacement? Placement, string? Problem);
}
