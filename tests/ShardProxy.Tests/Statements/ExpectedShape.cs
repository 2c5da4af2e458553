using System.Text;

namespace ShardProxy.Tests.Statements;

/// <summary>The shape that PostgreSQL's own tokens of a text give: the folding rules, written a second time over another lexer.</summary>
internal static class ExpectedShape
{
    /// <summary>A literal without a class of its own in a list.</summary>
    private const int NotListed = -1;

    public static byte[] Of(byte[] sql, List<PgToken> tokens)
    {
        var items = Items(sql, tokens);
        FoldLists(items);
        var shape = new MemoryStream();
        foreach (var item in items)
        {
            shape.Write(item.Text);
            shape.WriteByte((byte)' ');
        }
        return shape.ToArray();
    }

    private static List<Item> Items(byte[] sql, List<PgToken> tokens)
    {
        var items = new List<Item>();
        var pendingSemicolon = false;
        var parentheses = 0;
        foreach (var token in tokens)
        {
            if (token.Token is PgQueryScan.LineComment or PgQueryScan.BlockComment)
                continue;
            if (token.Token == ';' && parentheses == 0)
            {
                pendingSemicolon = items.Count > 0;
                continue;
            }
            if (pendingSemicolon)
            {
                items.Add(new Item([(byte)';'], 0));
                parentheses = 0;
                pendingSemicolon = false;
            }
            parentheses = token.Token switch
            {
                '(' => parentheses + 1,
                ')' => Math.Max(0, parentheses - 1),
                _ => parentheses,
            };
            items.Add(ItemOf(sql, token, items));
        }
        return items;
    }

    private static Item ItemOf(byte[] sql, PgToken token, List<Item> before)
    {
        var text = sql[token.Start..token.End];
        var afterUescape = before.Count > 0 && before[^1].Text.AsSpan().SequenceEqual("uescape"u8) && !IsNameMark(before, before.Count - 2);
        switch (token.Token)
        {
            case PgQueryScan.Integer or PgQueryScan.Decimal when afterUescape:
                return new Item([7, .. text], NotListed);
            case PgQueryScan.Integer:
                return new Item([1], 1);
            case PgQueryScan.Decimal:
                var digits = Encoding.ASCII.GetString(text);
                var placeholder = (byte)(digits.All(char.IsAsciiDigit) && long.TryParse(digits, out _) ? 2 : 3);
                return new Item([placeholder], placeholder);
            case PgQueryScan.String or PgQueryScan.BitString or PgQueryScan.HexString when afterUescape:
            case PgQueryScan.UnicodeString:
                return new Item([7, .. text], NotListed);
            case PgQueryScan.String:
                return new Item([4], 4);
            case PgQueryScan.BitString:
                return new Item([5], 5);
            case PgQueryScan.HexString:
                return new Item([6], 6);
            case PgQueryScan.NationalCharacter when text.Length == 1:
                return new Item([14], 0);
            case PgQueryScan.Identifier or PgQueryScan.UnicodeIdentifier when text[^1] == '"':
                return new Item(text, 0);
            default:
                if (token.IsKeyword || token.Token == PgQueryScan.Identifier)
                    text = [.. text.Select(static value => value is >= (byte)'A' and <= (byte)'Z' ? (byte)(value | 0x20) : value)];
                return new Item(text, 0);
        }
    }

    private static void FoldLists(List<Item> items)
    {
        for (var index = 0; index + 1 < items.Count; index++)
        {
            var close = (items[index], items[index + 1]) switch
            {
                var (word, open) when word.Is("in") && open.Is("(") => ")",
                var (word, open) when word.Is("array") && open.Is("[") => "]",
                _ => null,
            };
            if (close is null || IsNameMark(items, index - 1))
                continue;
            var end = index + 2;
            var widest = 0;
            while (end + 1 < items.Count && items[end].Class > 0 && (widest == 0 || widest == items[end].Class || (widest <= 3 && items[end].Class <= 3)))
            {
                widest = Math.Max(widest, items[end].Class);
                if (items[end + 1].Is(close))
                {
                    items.RemoveRange(index + 1, end + 1 - index);
                    items.Insert(index + 1, new Item([(byte)(16 | widest)], 0));
                    break;
                }
                if (!items[end + 1].Is(","))
                    break;
                end += 2;
            }
        }
    }

    /// <summary>What follows the item is a name whatever it says.</summary>
    private static bool IsNameMark(List<Item> items, int index) =>
        index >= 0 && (items[index].Is(".") || (items[index].Is("as") && !IsNameMark(items, index - 1)));

    private sealed record Item(byte[] Text, int Class)
    {
        public bool Is(string text) => Text.AsSpan().SequenceEqual(Encoding.ASCII.GetBytes(text));
    }
}
