using System.Globalization;
using ShardProxy.Planning;
using ShardProxy.Statements;

namespace ShardProxy.Tests.Planning.TinySql;

/// <summary>The integers of a key set of a text without parameters.</summary>
internal static class KeyValues
{
    public static HashSet<int> Of(KeySet set, string sql, ShapeScanner scanner) => set switch
    {
        KeyEquals equals => Of(equals.Term, sql, scanner),
        KeyUnion union => [.. union.Sets.SelectMany(member => Of(member, sql, scanner))],
        KeyIntersection intersection => intersection.Sets.Select(member => Of(member, sql, scanner)).Aggregate(static (left, right) => [.. left.Intersect(right)]),
        EmptyKeySet => [],
        _ => throw new InvalidOperationException(),
    };

    private static HashSet<int> Of(KeyTerm term, string sql, ShapeScanner scanner)
    {
        switch (term)
        {
            case LiteralTerm literal:
                var slot = scanner.GetSlot(literal.Slot);
                return [.. Enumerable.Range(slot.FirstLiteral, slot.LiteralCount).Select(index =>
                {
                    var at = scanner.GetLiteral(index);
                    return int.Parse(sql.AsSpan(at.Start, at.Length), CultureInfo.InvariantCulture);
                })];
            case ConstantTerm { Text: null }:
                return [];
            default:
                throw new InvalidOperationException();
        }
    }
}
