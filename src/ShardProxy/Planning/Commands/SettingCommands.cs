using System.Collections.Immutable;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>SET, RESET and SHOW.</summary>
internal static class SettingCommands
{
    /// <summary>Settings whose value is a list of names, each quoted where needed (GUC_LIST_QUOTE in PostgreSQL's guc_tables.c).</summary>
    private static readonly HashSet<string> NameLists = new(StringComparer.Ordinal)
    {
        "search_path", "temp_tablespaces", "session_preload_libraries", "shared_preload_libraries", "local_preload_libraries",
        "unix_socket_directories",
    };

    public static PlannedStatement? TryPlan(CommandPlanner planner, SyntaxNode node, int start, int end)
    {
        if (node.Is("VariableShowStmt"))
            return PlanShow(node);
        if (node.Is("ConstraintsSetStmt"))
            return new PlannedStatement(new OneShardPlan(AnyShard.Instance), Traits.FollowsTransaction, "set constraints");
        if (!node.Is("VariableSetStmt"))
            return null;
        // The values are the plan's, so another value needs another plan.
        planner.Source.MarkSensitive(start, end);
        var name = node.Text("name")?.ToLowerInvariant();
        return node.Text("kind") switch
        {
            "VAR_RESET_ALL" => Planned(new SettingPlan(SettingVerb.ResetAll, null, null, IsFunction: false), "reset"),
            "VAR_RESET" => Planned(new SettingPlan(SettingVerb.Reset, name, null, IsFunction: false), "reset"),
            "VAR_SET_MULTI" => PlanMulti(planner, node),
            // SET … TO DEFAULT says the same as RESET.
            "VAR_SET_DEFAULT" => Planned(new SettingPlan(node.Flag("is_local") ? SettingVerb.SetLocal : SettingVerb.Reset, name, null, IsFunction: false), "set"),
            _ => Planned(new SettingPlan(node.Flag("is_local") ? SettingVerb.SetLocal : SettingVerb.Set, name, ValueOf(planner, node, name), IsFunction: false), "set"),
        };
    }

    private static PlannedStatement Planned(SettingPlan plan, string verb) => new(plan, Traits.None, verb);

    private static PlannedStatement PlanShow(SyntaxNode node)
    {
        var name = (node.Text("name") ?? "").ToLowerInvariant();
        if (name.StartsWith("shardproxy.", StringComparison.Ordinal))
            return new PlannedStatement(new ShowPlan(name), Traits.None, "show");
        return new PlannedStatement(new OneShardPlan(AnyShard.Instance), Traits.FollowsTransaction, "show");
    }

    private static PlannedStatement PlanMulti(CommandPlanner planner, SyntaxNode node)
    {
        var kind = node.Text("name");
        if (kind == "TRANSACTION SNAPSHOT")
            return Planned(new SettingPlan(SettingVerb.SetTransaction, "transaction_snapshot", TextOf(planner, node.List("args").First()), IsFunction: false), "set");
        var session = kind == "SESSION CHARACTERISTICS";
        var values = ImmutableArray.CreateBuilder<SettingValue>();
        foreach (var option in node.List("args"))
        {
            var name = option.Text("defname") ?? "";
            values.Add(new SettingValue(session ? "default_" + name : name, TransactionValue(planner, option)));
        }
        var first = values[0];
        values.RemoveAt(0);
        return Planned(
            new SettingPlan(session ? SettingVerb.Set : SettingVerb.SetTransaction, first.Name, first.Value, IsFunction: false) { More = values.ToImmutable() },
            "set");
    }

    private static string? TransactionValue(CommandPlanner planner, SyntaxNode option)
    {
        var argument = option.Node("arg");
        if (option.Text("defname") == "transaction_isolation")
            return TextOf(planner, argument);
        // READ ONLY and DEFERRABLE are written as the integers 1 and 0, which are no literals of the text.
        return argument.Node("ival").Number("ival", 0) != 0 ? "on" : "off";
    }

    /// <summary>The value as pg_settings would show what was given; null when it is no plain constant.</summary>
    private static string? ValueOf(CommandPlanner planner, SyntaxNode node, string? name)
    {
        var values = new List<string>();
        foreach (var argument in node.List("args"))
        {
            if (TextOf(planner, argument) is not { } text)
                return null;
            values.Add(name is not null && NameLists.Contains(name) ? Identifiers.Quote(text) : text);
        }
        return values.Count == 0 ? null : string.Join(", ", values);
    }

    private static string? TextOf(CommandPlanner planner, SyntaxNode node)
    {
        if (ExpressionReader.ReadOptional(node) is not Constant constant)
            return null;
        return constant.Kind == ConstantKind.Text ? constant.Text : planner.Source.SensitiveText(constant);
    }
}
