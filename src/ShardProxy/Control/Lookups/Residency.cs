using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;

namespace ShardProxy.Control.Lookups;

/// <summary>Which rows of a group whose keys are placed by look-up may be in a slot, by their zone.</summary>
internal sealed class Residency(RoutingState routing, LookupRule rule, int slot)
{
    /// <summary>What is true of the rows of a table that must not be there, and the column that says it.</summary>
    /// <returns>Null where any may be.</returns>
    public (string Column, string Condition)? AbroadOf(QualifiedName table)
    {
        if (!rule.HasZones || routing.Directory.Find(table)?.ZoneColumn is not { } name)
            return null;
        var column = SqlText.Identifier(name);
        var values = rule.Zones.Where((_, number) => rule.IsInZone(number, rule.Slots[slot])).SelectMany(static zone => zone.Values).Select(Identifiers.Literal).ToArray();
        // A row of no zone must not be anywhere.
        return (column, values.Length == 0 ? "true" : $"({column} IN ({string.Join(", ", values)})) IS NOT TRUE");
    }
}
