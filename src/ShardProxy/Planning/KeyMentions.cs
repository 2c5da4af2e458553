using System.Globalization;
using System.Text;
using ShardProxy.Directory;
using ShardProxy.Protocol.Framing;
using ShardProxy.Statements;

namespace ShardProxy.Planning;

/// <summary>A key value that a plan was bound by.</summary>
/// <param name="Key">As written; a bound of a range with its comparison before it.</param>
/// <param name="Found">Where it stands, in words.</param>
/// <param name="Bucket">-1 when it has none, or one in each of several zones.</param>
/// <param name="IsStored">It becomes a row's key.</param>
public readonly record struct KeyMention(string Key, string Found, int Bucket, bool IsStored);

/// <summary>Lists the keys in a plan's key sets, for people who ask where a statement would go. It allocates.</summary>
public static class KeyMentions
{
    public static List<KeyMention> Of(IEnumerable<KeySet> sets, DirectorySnapshot directory, in StatementValues values)
    {
        var mentions = new List<KeyMention>();
        foreach (var set in sets)
            Add(mentions, set, directory, values);
        return mentions;
    }

    private static void Add(List<KeyMention> mentions, KeySet set, DirectorySnapshot directory, in StatementValues values, int zone = -1)
    {
        switch (set)
        {
            case KeyEquals equals:
                AddTerm(mentions, equals.Type, equals.Term, "", equals.Stored, directory, values, zone);
                break;
            case KeyInArray array:
                AddTerm(mentions, array.Type, array.Array, "any of ", false, directory, values, zone);
                break;
            case KeyRange range:
                foreach (var bound in range.Bounds)
                    AddTerm(mentions, range.Type, bound.Term, Sign(bound.Comparison), false, directory, values, zone);
                break;
            case KeyUnion union:
                foreach (var member in union.Sets)
                    Add(mentions, member, directory, values, zone);
                break;
            case ZonedKeys zoned:
                if (zoned.Zones is not null)
                    Add(mentions, zoned.Zones, directory, values, -1);
                if (zoned.Keys is not null)
                    Add(mentions, zoned.Keys, directory, values, ShardBinder.ZonesOf(zoned, directory, values).One);
                break;
            case KeyIntersection intersection:
                foreach (var member in intersection.Sets)
                    Add(mentions, member, directory, values, zone);
                break;
        }
    }

    private static void AddTerm(
        List<KeyMention> mentions, KeyType type, KeyTerm term, string before, bool stored, DirectorySnapshot directory, in StatementValues values, int zone)
    {
        switch (term)
        {
            case LiteralTerm literal:
                var slot = values.Scanner.GetSlot(literal.Slot);
                for (var index = slot.FirstLiteral; index < slot.FirstLiteral + slot.LiteralCount; index++)
                {
                    var token = values.Scanner.GetLiteral(index);
                    var text = (literal.Negated ? "-" : "") + TextOf(token, values.Text);
                    Add($"literal at byte {token.Start + 1}", text);
                }
                break;
            case ParameterTerm parameter:
                var found = string.Create(CultureInfo.InvariantCulture, $"parameter ${parameter.Number}");
                if (!values.TryGetParameter(parameter.Number, out var value, out var isNull, out var isBinary, out var declared))
                {
                    mentions.Add(new KeyMention(before + found, found, -1, stored));
                    break;
                }
                var shown = isNull ? "NULL" : isBinary ? $"\\x{Convert.ToHexStringLower(value)}" : Encoding.UTF8.GetString(value);
                var bucket = isNull || before.Length > 0 ? -1 : ShardBinder.BucketOf(type, directory, declared, parameter.CastTo, isBinary, value, zone);
                mentions.Add(new KeyMention(before + shown, found, bucket, stored));
                break;
            case ConstantTerm { Text: { } constant }:
                Add("constant", constant);
                break;
            case ConstantTerm:
                mentions.Add(new KeyMention(before + "NULL", "constant", -1, stored));
                break;
        }

        void Add(string where, string text) =>
            mentions.Add(new KeyMention(before + text, where, before.Length > 0 ? -1 : ShardBinder.BucketOf(type, directory, Encoding.UTF8.GetBytes(text), zone), stored));
    }

    private static string TextOf(Literal literal, ReadOnlySpan<byte> text) =>
        literal.Kind is not (LiteralKind.Integer or LiteralKind.BigInteger or LiteralKind.Decimal or LiteralKind.OddNumber or LiteralKind.BareWord)
        && LiteralText.TryDecode(text, literal, new ByteBuffer(), out var decoded)
            ? Encoding.UTF8.GetString(decoded)
            : Encoding.UTF8.GetString(text.Slice(literal.Start, literal.Length));

    private static string Sign(KeyComparison comparison) => comparison switch
    {
        KeyComparison.Less => "< ",
        KeyComparison.LessOrEqual => "<= ",
        KeyComparison.Greater => "> ",
        _ => ">= ",
    };
}
