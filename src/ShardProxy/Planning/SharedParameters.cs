using System.Collections.Immutable;

namespace ShardProxy.Planning;

/// <summary>
/// A parameter without a declared type has the type of its first use in the text. Where a key's parameter is used once,
/// that is the key's; where it is used more often, only the server can tell.
/// </summary>
internal static class SharedParameters
{
    public static PlannedStatement Mark(PlannedStatement planned, ReadOnlySpan<byte> text)
    {
        ImmutableArray<KeySet> sets = planned.Plan switch
        {
            OneShardPlan { Choice: KeyedShard keyed } => keyed.Relations,
            SeveralShardsPlan { Keys.Sets: { } keys } => keys,
            _ => [],
        };
        foreach (var relation in sets)
        {
            if (IsShared(relation, text))
                return planned with { SharesKeyParameter = true };
        }
        return planned;
    }

    private static bool IsShared(KeySet set, ReadOnlySpan<byte> text) => set switch
    {
        KeyEquals { Term: ParameterTerm parameter } => Occurrences(parameter.Number, text) > 1,
        KeyInArray { Array: ParameterTerm parameter } => Occurrences(parameter.Number, text) > 1,
        KeyRange range => AnyShared(range.Bounds, text),
        KeyUnion union => AnyShared(union.Sets, text),
        KeyIntersection intersection => AnyShared(intersection.Sets, text),
        _ => false,
    };

    private static bool AnyShared(ImmutableArray<KeySet> sets, ReadOnlySpan<byte> text)
    {
        foreach (var set in sets)
        {
            if (IsShared(set, text))
                return true;
        }
        return false;
    }

    private static bool AnyShared(ImmutableArray<KeyBound> bounds, ReadOnlySpan<byte> text)
    {
        foreach (var bound in bounds)
        {
            if (bound.Term is ParameterTerm parameter && Occurrences(parameter.Number, text) > 1)
                return true;
        }
        return false;
    }

    // In a string or a comment too, which counts too many: that costs a look at the server, never an answer.
    private static int Occurrences(int number, ReadOnlySpan<byte> text)
    {
        var count = 0;
        for (var at = text.IndexOf((byte)'$'); at >= 0;)
        {
            text = text[(at + 1)..];
            var digits = 0;
            var value = 0L;
            while (digits < text.Length && digits < 10 && char.IsAsciiDigit((char)text[digits]))
                value = (value * 10) + text[digits++] - '0';
            count += digits > 0 && value == number ? 1 : 0;
            at = text.IndexOf((byte)'$');
        }
        return count;
    }
}
