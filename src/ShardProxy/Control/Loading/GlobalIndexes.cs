using System.Globalization;
using ShardProxy.Catalog;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Loading;

/// <summary>Tells relations of the global indexes that their triggers keep.</summary>
internal static class GlobalIndexes
{
    /// <summary>Of a trigger's arguments, each with a mark behind it, when its index is of columns alone; see ShapeScript for the others.</summary>
    private const int PlainParts = 4;

    /// <param name="triggers">Tables with the arguments of a trigger: the index's id, the attnum of the key, and those of the columns; then the further ones.</param>
    public static void Attach(List<Relation> relations, IReadOnlyList<UniqueKey> uniqueKeys, IReadOnlyList<(uint Table, string Arguments, bool IsInternal)> triggers)
    {
        foreach (var table in triggers.GroupBy(static trigger => trigger.Table))
        {
            var at = relations.FindIndex(relation => relation.Oid == table.Key);
            if (at >= 0)
                relations[at] = relations[at] with { GlobalIndexes = [.. table.Select(trigger => Read(relations[at], trigger.Arguments, uniqueKeys) with { HasSystemTriggers = trigger.IsInternal })] };
        }
    }

    /// <summary>Tells tables whose rows, when they change, change others that have global indexes.</summary>
    public static void Follow(List<Relation> relations, IReadOnlyList<ForeignKey> foreignKeys)
    {
        var acting = foreignKeys.Where(static key => key.Acts && key.Table != key.Referenced).ToList();
        var reached = relations.Where(static relation => relation.GlobalIndexes.Count > 0).Select(static relation => relation.Oid).ToHashSet();
        var count = -1;
        while (reached.Count > count)
        {
            count = reached.Count;
            foreach (var key in acting)
            {
                if (reached.Contains(key.Table))
                    reached.Add(key.Referenced);
            }
        }
        for (var at = 0; at < relations.Count && reached.Count > 0; at++)
        {
            if (relations[at].GlobalIndexes.Count == 0 && reached.Contains(relations[at].Oid))
                relations[at] = relations[at] with { ReachesGlobalIndexes = true };
        }
    }

    private static GlobalIndex Read(Relation table, string arguments, IReadOnlyList<UniqueKey> uniqueKeys)
    {
        var parts = arguments.Split("\\000");
        var numbers = parts[2].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static number => short.Parse(number, CultureInfo.InvariantCulture)).ToList();
        string[] columns = [.. numbers.Select(number => table.Columns.FirstOrDefault(column => column.Number == number)?.Name ?? "")];
        if (parts.Length > PlainParts)
            return new GlobalIndex(parts[0], Text(parts[3]), columns) { IsPlain = false, Title = Text(parts[6]), Width = int.Parse(parts[7], CultureInfo.InvariantCulture) };
        var keys = uniqueKeys.Where(key => key.Table == table.Oid && key.Columns.SequenceEqual(numbers)).ToList();
        return new GlobalIndex(
            parts[0],
            keys.FirstOrDefault()?.Name ?? UniqueSupport.ConstraintOf(parts[0]),
            columns)
        {
            IsPrimary = keys.Exists(static key => key.IsPrimary),
        };
    }

    private static string Text(string hex) => System.Text.Encoding.UTF8.GetString(Convert.FromHexString(hex));
}
