using System.Collections.Immutable;
using System.Text;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <param name="Start">Byte offset of its first token.</param>
/// <param name="End">Behind its last token.</param>
internal readonly record struct TextSpan(int Start, int End)
{
    public bool Contains(int location) => location >= Start && location < End;
}

/// <summary>
/// One SELECT's text cut into its clauses at the keywords outside parentheses. The cut is checked against the tree: as
/// many items, each where the tree has it. Null for whatever does not fit.
/// </summary>
internal sealed class SelectText
{
    private SelectText(SqlTokens tokens) => Tokens = tokens;

    public SqlTokens Tokens { get; }

    /// <summary>WITH …, before the SELECT; empty where there is none.</summary>
    public TextSpan With { get; private init; }

    /// <summary>SELECT [ALL | DISTINCT [ON (…)]].</summary>
    public TextSpan Head { get; private init; }

    /// <summary>The outputs, with their aliases.</summary>
    public ImmutableArray<TextSpan> Outputs { get; private init; }

    /// <summary>FROM … WHERE …; empty where there is neither.</summary>
    public TextSpan From { get; private init; }

    public ImmutableArray<TextSpan> Groups { get; private init; } = [];

    /// <summary>The condition without the keyword; empty where there is none.</summary>
    public TextSpan Having { get; private init; }

    /// <summary>WINDOW …, with the keyword.</summary>
    public TextSpan Window { get; private init; }

    /// <summary>The keys with ASC, DESC and NULLS.</summary>
    public ImmutableArray<TextSpan> Order { get; private init; } = [];

    /// <summary>FOR UPDATE and its kin.</summary>
    public TextSpan Locking { get; private init; }

    public string Text(TextSpan span) => Tokens.Text(span.Start, span.End);

    /// <summary>The stretch with marks in the place of parts of it; null when these overlap or stand outside of it.</summary>
    public string? Replaced(TextSpan span, List<(TextSpan Span, string Mark)> places)
    {
        places.Sort(static (left, right) => left.Span.Start.CompareTo(right.Span.Start));
        var parts = new StringBuilder();
        var position = span.Start;
        foreach (var (place, mark) in places)
        {
            if (place.Start < position || place.End > span.End)
                return null;
            parts.Append(Tokens.Text(position, place.Start)).Append(mark);
            position = place.End;
        }
        return parts.Append(Tokens.Text(position, span.End)).ToString();
    }

    public static SelectText? Cut(Select select, SourceText source, int start, int end)
    {
        if (SqlTokens.Read(source.Bytes, start, end) is not { Count: > 0 } tokens)
            return null;
        var marks = Marks(tokens);
        if (marks is null || marks[0].Name != "select")
            return null;
        var head = marks[0].Index;
        var outputs = AfterHead(tokens, head);
        if (outputs < 0)
            return null;
        var text = new SelectText(tokens)
        {
            With = Span(tokens, 0, head),
            Head = Span(tokens, head, outputs),
            Outputs = Items(tokens, outputs, EndOf(marks, 0, tokens)),
            From = Between(tokens, marks, ["from", "where"], keywords: 0),
            Groups = ItemsOf(tokens, marks, "group", 2),
            Having = Between(tokens, marks, ["having"], keywords: 1),
            Window = Between(tokens, marks, ["window"], keywords: 0),
            Order = ItemsOf(tokens, marks, "order", 2),
            Locking = Between(tokens, marks, ["for"], keywords: 0),
        };
        return text.Fits(select) ? text : null;
    }

    /// <summary>The output without its alias; null when the two cannot be told apart.</summary>
    public TextSpan? Value(OutputItem output, int index)
    {
        var span = Outputs[index];
        if (output.Name is null)
            return span;
        var last = Last(span);
        if (last < 1 || Tokens[last].Kind is not (TokenKind.Word or TokenKind.Name))
            return null;
        var end = Tokens.IsWord(last - 1, "as") ? last - 2 : last - 1;
        return end >= 0 && Tokens[end].Start >= span.Start ? new TextSpan(span.Start, Tokens[end].End) : null;
    }

    /// <summary>The expression of a key of ORDER BY.</summary>
    public TextSpan SortValue(int index)
    {
        var span = Order[index];
        var last = Last(span);
        if (Tokens.IsWord(last - 1, "nulls"))
            last -= 2;
        if (Tokens.IsWord(last, "asc") || Tokens.IsWord(last, "desc"))
            last--;
        return new TextSpan(span.Start, Tokens[last].End);
    }

    /// <summary>Where a column is named; null when it is not written as names with dots.</summary>
    public TextSpan? Place(ColumnReference column)
    {
        var first = Tokens.At(column.Location);
        var last = first + (2 * (column.Names.Length - 1));
        if (first < 0 || last >= Tokens.Count)
            return null;
        for (var dot = first + 1; dot < last; dot += 2)
        {
            if (!Tokens.IsMark(dot, '.'))
                return null;
        }
        return new TextSpan(Tokens[first].Start, Tokens[last].End);
    }

    private int Last(TextSpan span)
    {
        for (var index = Tokens.Count - 1; index >= 0; index--)
        {
            if (Tokens[index].Start < span.End)
                return index;
        }
        return -1;
    }

    private bool Fits(Select select) =>
        Outputs.Length == select.Outputs.Length
        && Order.Length == select.SortKeys.Length
        && (select.HasGroupingSets || Groups.Length == select.Groups.Length)
        && Having.End > Having.Start == select.Having is not null
        && All(Outputs, [.. select.Outputs.Select(static output => output.Value)])
        && All(Order, [.. select.SortKeys.Select(static key => key.Value)])
        && (select.HasGroupingSets || All(Groups, select.Groups))
        && (Groups.IsEmpty || (!Tokens.IsWord(Tokens.At(Groups[0].Start), "distinct") && !Tokens.IsWord(Tokens.At(Groups[0].Start), "all")));

    private static bool All(ImmutableArray<TextSpan> spans, ImmutableArray<Expression> expressions)
    {
        for (var index = 0; index < spans.Length; index++)
        {
            if (spans[index].End <= spans[index].Start || (expressions[index].Location >= 0 && !spans[index].Contains(expressions[index].Location)))
                return false;
        }
        return true;
    }

    /// <summary>The keywords that begin clauses, in order, the SELECT first; null when there is one that is not understood.</summary>
    private static List<(string Name, int Index)>? Marks(SqlTokens tokens)
    {
        var marks = new List<(string Name, int Index)>();
        for (var index = 0; index < tokens.Count; index++)
        {
            if (tokens[index].Depth > 0 || tokens[index].Kind != TokenKind.Word || tokens.IsWord(index - 1, "as") || tokens.IsMark(index - 1, '.'))
                continue;
            if (marks.Count == 0)
            {
                if (tokens.IsWord(index, "select"))
                    marks.Add(("select", index));
                continue;
            }
            foreach (var name in (string[])["select", "union", "intersect", "except", "into"])
            {
                if (tokens.IsWord(index, name))
                    return null;
            }
            var isDistinctFrom = tokens.IsWord(index, "from") && tokens.IsWord(index - 1, "distinct") && (tokens.IsWord(index - 2, "is") || tokens.IsWord(index - 2, "not"));
            var isRowsFrom = tokens.IsWord(index + 1, "from") && tokens.IsWord(index, "rows");
            if (isDistinctFrom || isRowsFrom)
                continue;
            foreach (var name in (string[])["from", "where", "group", "having", "window", "order", "limit", "offset", "fetch", "for"])
            {
                if (tokens.IsWord(index, name) && (name is not ("group" or "order") || tokens.IsWord(index + 1, "by")))
                    marks.Add((name, index));
            }
        }
        return marks.Count == 0 ? null : marks;
    }

    // Behind SELECT, ALL, DISTINCT, DISTINCT ON (…).
    private static int AfterHead(SqlTokens tokens, int select)
    {
        var next = select + 1;
        if (tokens.IsWord(next, "all"))
            return next + 1;
        if (!tokens.IsWord(next, "distinct"))
            return next;
        next++;
        if (!tokens.IsWord(next, "on"))
            return next;
        var closing = tokens.IsMark(next + 1, '(') ? tokens.Closing(next + 1) : -1;
        return closing < 0 ? -1 : closing + 1;
    }

    private static int EndOf(List<(string Name, int Index)> marks, int mark, SqlTokens tokens) =>
        mark + 1 < marks.Count ? marks[mark + 1].Index : tokens.Count;

    private static TextSpan Span(SqlTokens tokens, int from, int to) =>
        to > from ? new TextSpan(tokens[from].Start, tokens[to - 1].End) : default;

    private static TextSpan Between(SqlTokens tokens, List<(string Name, int Index)> marks, string[] names, int keywords)
    {
        var first = marks.FindIndex(mark => names.Contains(mark.Name));
        if (first < 0)
            return default;
        var last = marks.FindLastIndex(mark => names.Contains(mark.Name));
        return Span(tokens, marks[first].Index + keywords, EndOf(marks, last, tokens));
    }

    private static ImmutableArray<TextSpan> ItemsOf(SqlTokens tokens, List<(string Name, int Index)> marks, string name, int keywords)
    {
        var mark = marks.FindIndex(candidate => candidate.Name == name);
        return mark < 0 ? [] : Items(tokens, marks[mark].Index + keywords, EndOf(marks, mark, tokens));
    }

    private static ImmutableArray<TextSpan> Items(SqlTokens tokens, int from, int to)
    {
        if (to <= from)
            return [];
        var items = ImmutableArray.CreateBuilder<TextSpan>();
        var start = from;
        for (var index = from; index < to; index++)
        {
            if (tokens[index].Depth == 0 && tokens.IsMark(index, ','))
            {
                items.Add(Span(tokens, start, index));
                start = index + 1;
            }
        }
        items.Add(Span(tokens, start, to));
        return items.ToImmutable();
    }
}
