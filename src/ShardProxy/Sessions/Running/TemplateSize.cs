using ShardProxy.Planning;

namespace ShardProxy.Sessions.Running;

/// <summary>What a template weighs in the statement cache, in bytes: an estimate, from counting what it is made of.</summary>
public static class TemplateSize
{
    private const int PerStatement = 256;
    private const int PerKeySet = 96;

    public static int Of(StatementTemplate template)
    {
        var size = 128 + (template.SensitiveSlots.Length * sizeof(int));
        foreach (var statement in template.Statements)
        {
            size += PerStatement;
            switch (statement.Plan)
            {
                case OneShardPlan { Choice: KeyedShard keyed }:
                    foreach (var relation in keyed.Relations)
                        size += Of(relation);
                    break;
                case SeveralShardsPlan { Keys.Sets: { } sets }:
                    foreach (var set in sets)
                        size += Of(set);
                    break;
                case EveryShardPlan { Text: { } text }:
                    size += 2 * text.Length;
                    break;
                case RefusedPlan refused:
                    size += 2 * (refused.Reason.Length + (refused.Hint?.Length ?? 0));
                    break;
            }
        }
        return size;
    }

    private static int Of(KeySet set) => set switch
    {
        KeyRange range => PerKeySet * (1 + range.Bounds.Length),
        KeyUnion union => PerKeySet + union.Sets.Sum(Of),
        KeyIntersection intersection => PerKeySet + intersection.Sets.Sum(Of),
        _ => PerKeySet,
    };
}
