using System.Text.Json;

namespace ShardProxy.Sessions.Running.Explaining;

/// <summary>A plan over shards as PostgreSQL writes YAML, with each server's plan in it.</summary>
internal static class ExplainYaml
{
    // "- Plan: " and what stands in it; the rest of a server's answer stands beside "Plan".
    private const int PlanIndent = 4;

    public static string Write(ExplainNode node)
    {
        var lines = new List<string> { "- Plan: " };
        Plan(lines, node, new string(' ', PlanIndent), new string(' ', PlanIndent));
        return string.Join('\n', lines);
    }

    /// <param name="first">Before the first line.</param>
    private static void Plan(List<string> lines, ExplainNode node, string first, string indent)
    {
        lines.Add($"{first}Node Type: {Quoted(node.Type)}");
        foreach (var (name, text, number) in node.Properties)
            lines.Add($"{indent}{name}: {(text is null ? ExplainNode.Number(number!.Value) : Quoted(text))}");
        var answer = node.ServerPlan.SelectMany(static part => part.Split('\n')).Skip(1).ToList();
        lines.AddRange(answer.Where(static line => !IsOfPlan(line)).Select(line => indent + line.TrimStart()));
        if (answer.Count == 0 && node.Children.Count == 0)
            return;
        lines.Add($"{indent}Plans: ");
        var isFirst = true;
        foreach (var line in answer.Where(IsOfPlan))
        {
            lines.Add($"{indent}{(isFirst ? "  - " : "    ")}{line[PlanIndent..]}");
            isFirst = false;
        }
        foreach (var child in node.Children)
            Plan(lines, child, indent + "  - ", indent + "    ");
    }

    private static bool IsOfPlan(string line) => line.StartsWith("    ", StringComparison.Ordinal);

    // A string in JSON's quotes is one in YAML's.
    private static string Quoted(string text) => JsonSerializer.Serialize(text, Relaxed);

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
