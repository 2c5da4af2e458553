using System.Collections.Concurrent;

namespace ShardProxy.Directory.Placements;

/// <summary>A colocation group that is not placed by hash. Immutable; versions of the directory that leave it alone share it.</summary>
public sealed class KeyGroup(string name, PlacementRule rule)
{
    private readonly ConcurrentDictionary<uint, Compiled> _compiled = new();

    public string Name { get; } = name;

    public PlacementRule Rule { get; } = rule;

    /// <summary>The rule for keys of a type (a base type's object id); called when a statement is planned, not when it runs.</summary>
    /// <param name="problem">Why the rule makes no sense for the type; null when it does.</param>
    public KeyPlacement? For(uint type, out string? problem)
    {
        var compiled = _compiled.GetOrAdd(type, static (key, rule) => Compile(rule, key), Rule);
        problem = compiled.Problem;
        return compiled.Placement;
    }

    private static Compiled Compile(PlacementRule rule, uint type)
    {
        try
        {
            return new Compiled(
                rule switch
                {
                    RangeRule range => new RangePlacement(range, type),
                    ListRule list => new ListPlacement(list, type),
                    _ => throw new PlacementException($"there is no strategy {rule.Strategy}"),
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
