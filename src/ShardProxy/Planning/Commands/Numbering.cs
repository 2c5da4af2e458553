using System.Collections.Immutable;
using System.Text;
using ShardProxy.Planning.Spreading;
using ShardProxy.Planning.Writing;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>
/// ALTER TABLE or ALTER SEQUENCE after which a column of a distributed table draws from a sequence: the sequence must be on
/// every shard, with a stretch of its own on each, and rows that are there must get values that no other shard's rows get.
/// </summary>
/// <param name="Table">Qualified and quoted for SQL.</param>
internal sealed record Numbering(string Table, NumberingKind Kind, bool IsReference)
{
    /// <summary>The column's name; null for <see cref="NumberingKind.Owner"/>.</summary>
    public string? Column { get; init; }

    /// <summary>The sequence as the statement names it, for <see cref="NumberingKind.Owner"/>; quoted for SQL.</summary>
    public string? Sequence { get; init; }

    /// <summary>ADD COLUMN IF NOT EXISTS.</summary>
    public bool MayBeThere { get; init; }

    /// <summary>serial and identity make their sequence: the shards behind the home shard have the text up to this...</summary>
    public string Before { get; init; } = "";

    /// <summary>... then what makes the column draw as the home shard's does, and then this.</summary>
    public string After { get; init; } = "";

    /// <summary>Rows that are there get values.</summary>
    public bool NumbersRows => Kind is NumberingKind.Serial or NumberingKind.Identity or NumberingKind.NextValue;

    /// <summary>The statement makes the sequence.</summary>
    public bool MakesSequence => Kind is NumberingKind.Serial or NumberingKind.Identity or NumberingKind.AddedIdentity;

    /// <summary>Null when the statement lets no column draw; a refusal where it cannot be taken apart.</summary>
    public static Plan? TryPlan(CommandPlanner planner, SyntaxNode alter, ResolvedRelation table)
    {
        if (table.Distribution is not { } distribution)
            return null;
        var commands = alter.List("cmds").Where(command => KindOf(command) is not null && !IsThere(command, table)).ToImmutableArray();
        if (commands.Length == 0 || (alter.Flag("missing_ok") && table.Relation is null))
            return null;
        if (commands.Length > 1 || NewColumns.TryPlan(planner, alter, table) is not null)
        {
            return Refusals.Of(
                $"\"{distribution.Table.Name}\" is on every shard, and its rows are numbered over all of them for one column at a time",
                "Write one ALTER TABLE for each column.");
        }
        var command = commands[0];
        planner.Cacheable = false;
        var numbering = new Numbering(NameOf(table.Name), KindOf(command)!.Value, distribution.Kind == Directory.TableKind.Reference)
        {
            Column = command.Text("subtype") == "AT_AddColumn" ? command.Node("def").Text("colname") : command.Text("name"),
            MayBeThere = command.Flag("missing_ok"),
        };
        return numbering.MakesSequence
            ? numbering.TryCut(planner, command) is { } cut
                ? new EveryShardPlan(null) { Numbering = cut, Subject = table.Name.ToString() }
                : Refusals.Of("the column cannot be found in the statement's text", "Write the statement without comments and odd spellings.")
            : new EveryShardPlan(null) { Numbering = numbering, Subject = table.Name.ToString() };
    }

    /// <summary>ALTER SEQUENCE … OWNED BY a column of a distributed table.</summary>
    public static EveryShardPlan? TryPlanOwner(CommandPlanner planner, SyntaxNode alter)
    {
        var options = alter.List("options").ToImmutableArray();
        if (options is not [var option] || option.Text("defname") != "owned_by" || option.Node("arg") is not { Exists: true } target)
            return null;
        var names = target.Items().Select(static item => item.StringValue ?? "").ToImmutableArray();
        if (names.Length < 2 || planner.Names.Resolve(names.Length > 2 ? names[^3] : null, names[^2]) is not { Distribution: { } distribution } table)
            return null;
        var sequence = QueryReader.ReadTableName(alter.Node("sequence"));
        planner.Cacheable = false;
        return new EveryShardPlan(null)
        {
            Numbering = new Numbering(NameOf(table.Name), NumberingKind.Owner, distribution.Kind == Directory.TableKind.Reference)
            {
                Sequence = (sequence.Schema is null ? "" : Identifiers.QuoteAlways(sequence.Schema) + ".") + Identifiers.QuoteAlways(sequence.Name),
            },
        };
    }

    /// <summary>DEFAULT nextval('…').</summary>
    public static bool IsNextValue(SyntaxNode expression) =>
        expression.Kind == "FuncCall" && expression.List("funcname").LastOrDefault().StringValue == "nextval";

    private static string NameOf(Directory.QualifiedName name) => $"{Identifiers.QuoteAlways(name.Schema)}.{Identifiers.QuoteAlways(name.Name)}";

    private static bool IsThere(SyntaxNode command, ResolvedRelation table) =>
        command.Flag("missing_ok") && table.Relation?.FindColumn(command.Node("def").Text("colname") ?? "") is not null;

    private static NumberingKind? KindOf(SyntaxNode command)
    {
        var definition = command.Node("def");
        switch (command.Text("subtype"))
        {
            case "AT_AddIdentity":
                return NumberingKind.AddedIdentity;
            case "AT_ColumnDefault":
                return IsNextValue(definition) ? NumberingKind.NewDefault : null;
            case "AT_AddColumn":
                if (IntegerOf(definition) is not null)
                    return NumberingKind.Serial;
                if (IdentityOf(definition).Exists)
                    return NumberingKind.Identity;
                return definition.List("constraints").Any(static each => each.Text("contype") == "CONSTR_DEFAULT" && IsNextValue(each.Node("raw_expr")))
                    ? NumberingKind.NextValue
                    : null;
            default:
                return null;
        }
    }

    // As transformColumnDefinition (parse_utilcmd.c) reads them: one word, whatever the search_path.
    private static string? IntegerOf(SyntaxNode column) => column.Node("typeName").Names("names") is [var name]
        ? name switch
        {
            "smallserial" or "serial2" => "smallint",
            "serial" or "serial4" => "integer",
            "bigserial" or "serial8" => "bigint",
            _ => null,
        }
        : null;

    private static SyntaxNode IdentityOf(SyntaxNode column) => column.List("constraints").FirstOrDefault(static each => each.Text("contype") == "CONSTR_IDENTITY");

    /// <summary>Cuts the text where the shards' statements differ.</summary>
    private Numbering? TryCut(CommandPlanner planner, SyntaxNode command)
    {
        var (start, end) = planner.Queries.Range;
        if (SqlTokens.Read(planner.Source.Bytes, start, end) is not { } tokens)
            return null;
        var definition = command.Node("def");
        if (Kind == NumberingKind.Serial)
        {
            var type = tokens.At(definition.Node("typeName").Location);
            return type < 0 ? null : this with
            {
                Before = tokens.Text(start, tokens[type].Start) + IntegerOf(definition),
                After = tokens.Text(tokens[type].End, end),
            };
        }
        var first = tokens.At((Kind == NumberingKind.AddedIdentity ? definition : IdentityOf(definition)).Location);
        var last = first;
        while (last >= 0 && last < tokens.Count && !tokens.IsWord(last, "identity"))
            last++;
        if (first < 0 || last >= tokens.Count)
            return null;
        var behind = last + 1 < tokens.Count && tokens.IsMark(last + 1, '(') ? tokens.Closing(last + 1) : last;
        return behind < 0 ? null : this with { Before = tokens.Text(start, tokens[last].End), After = tokens.Text(tokens[behind].End, end) };
    }
}

internal enum NumberingKind
{
    /// <summary>ADD COLUMN … serial.</summary>
    Serial,

    /// <summary>ADD COLUMN … GENERATED … AS IDENTITY.</summary>
    Identity,

    /// <summary>ADD COLUMN … DEFAULT nextval('…').</summary>
    NextValue,

    /// <summary>ALTER COLUMN … ADD GENERATED … AS IDENTITY.</summary>
    AddedIdentity,

    /// <summary>ALTER COLUMN … SET DEFAULT nextval('…').</summary>
    NewDefault,

    /// <summary>ALTER SEQUENCE … OWNED BY.</summary>
    Owner,
}
