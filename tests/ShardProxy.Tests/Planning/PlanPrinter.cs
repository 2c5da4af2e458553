using System.Globalization;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;

namespace ShardProxy.Tests.Planning;

/// <summary>Plans in short, so that a table of statements and plans can be read. Literals are shown by their text.</summary>
internal sealed class PlanPrinter(string sql)
{
    private readonly byte[] _sql = System.Text.Encoding.UTF8.GetBytes(sql);
    private readonly ShardProxy.Statements.ShapeScanner _scanner = new();

    public static string Print(string sql, PlanningContext? context = null)
    {
        var printer = new PlanPrinter(sql);
        printer._scanner.Scan(printer._sql);
        var template = Shop.Plan(sql, context);
        return string.Join(" ; ", template.Statements.Select(printer.Statement));
    }

    /// <summary>The plan without its traits.</summary>
    public static string PrintPlan(string sql, PlanningContext? context = null)
    {
        var printer = new PlanPrinter(sql);
        printer._scanner.Scan(printer._sql);
        return string.Join(" ; ", Shop.Plan(sql, context).Statements.Select(statement => printer.Show(statement.Plan)));
    }

    private string Statement(PlannedStatement statement) =>
        Show(statement.Plan) + (statement.Traits == Traits.None ? "" : $" [{statement.Traits}]");

    private string Show(Plan plan) => plan switch
    {
        OneShardPlan one => Show(one.Choice),
        SpreadPlan spread => "spread" + (spread.Keys.Sets is { } sets ? " " + string.Join(" + ", sets.Select(Show)) : ""),
        WritePlan write => $"write {write.Draft.GetType().Name.Replace("Draft", "", StringComparison.Ordinal)}{(write.Keys.Sets is { } sets ? " " + string.Join(" + ", sets.Select(Show)) : "")}{(write.IsForOneText ? " (this text)" : "")}",
        EveryShardPlan every => every.Text is null ? "every" : $"every: {every.Text}",
        CopyPlan copy => $"copy {(copy.From ? "from" : "to")} {copy.Table.Table.Name} key {copy.KeyOrdinal} of {copy.ColumnCount} {copy.Options.Format} '{(char)copy.Options.Delimiter}' null '{copy.Options.NullText}' quote {(char)copy.Options.Quote} escape {(char)copy.Options.Escape} header {copy.Options.Header}",
        TransactionPlan transaction => $"{transaction.Verb} {transaction.Name}{(transaction.Chain ? " chain" : "")}".Trim(),
        SettingPlan setting => $"{setting.Verb} {setting.Name} = {setting.Value ?? "null"}{(setting.ValueParameter > 0 ? $" ${setting.ValueParameter}" : "")}{string.Concat(setting.More.Select(more => $", {more.Name} = {more.Value}"))}{(setting.IsFunction ? " (function)" : "")}",
        ShowPlan show => $"show {show.Name}",
        DiscardPlan discard => $"discard {discard.What}",
        PreparePlan prepare => $"prepare {prepare.Name}({string.Join(",", prepare.ParameterTypes)}) '{prepare.Body.Trim()}': {Statement(prepare.Inner)}",
        ExecutePlan execute => $"execute {execute.Name}({string.Join(", ", execute.Arguments.Select(term => term is null ? "?" : Show(term)))})",
        DeallocatePlan deallocate => $"deallocate {deallocate.Name ?? "all"}",
        CursorPlan cursor => $"{cursor.Verb} {cursor.Name ?? "all"}{(cursor.Inner is null ? "" : $" {Show(cursor.Inner)}")}{(cursor.WithHold ? " hold" : "")}",
        DeclarePlan declare => $"declare {declare.Name} {Show(declare.Query)}",
        DistributePlan distribute => $"distribute {distribute.Table} by {distribute.Key ?? "-"} with {distribute.ColocateWith ?? "-"}{(distribute.Reference ? " reference" : "")}",
        GatherPlan => "gather",
        ExplainPlan explain => $"explain over shards {Show(explain.Inner)}",
        RefusedPlan refused => $"refused {refused.SqlState}: {refused.Reason}",
        UnreadPlan unread => $"unread {unread.Position}: {unread.Message}",
        _ => plan.ToString(),
    };

    private string Show(ShardChoice choice) => choice switch
    {
        HomeShard => "home",
        AnyShard => "any",
        KeyedShard keyed => (keyed.RequireKey ? "store " : "") + string.Join(" + ", keyed.Relations.Select(Show)),
        _ => choice.ToString(),
    };

    private string Show(KeySet set) => set switch
    {
        KeyEquals equals => Show(equals.Term) + (equals.Stored ? "!" : ""),
        KeyInArray array => $"any({Show(array.Array)})",
        KeyUnion union => "{" + string.Join(", ", union.Sets.Select(Show)) + "}",
        KeyIntersection both => "(" + string.Join(" & ", both.Sets.Select(Show)) + ")",
        EmptyKeySet => "none",
        _ => set.ToString(),
    };

    private string Show(KeyTerm term) => term switch
    {
        LiteralTerm literal => $"{(literal.Negated ? "-" : "")}{Slot(literal.Slot)}{Cast(literal.CastTo)}",
        ParameterTerm parameter => string.Create(CultureInfo.InvariantCulture, $"${parameter.Number}{Cast(parameter.CastTo)}"),
        ConstantTerm constant => $"{constant.Text ?? "null"}{Cast(constant.CastTo)}",
        _ => term.ToString(),
    };

    private string Slot(int slot)
    {
        var place = _scanner.GetSlot(slot);
        return string.Join("|", Enumerable.Range(place.FirstLiteral, place.LiteralCount).Select(index =>
        {
            var literal = _scanner.GetLiteral(index);
            return System.Text.Encoding.UTF8.GetString(_sql, literal.Start, literal.Length);
        }));
    }

    private static string Cast(uint type) => type == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"::{type}");
}
