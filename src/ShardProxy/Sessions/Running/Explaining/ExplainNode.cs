using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ShardProxy.Sessions.Running.Explaining;

/// <summary>A step of a plan over shards, written as PostgreSQL writes its own: as indented lines or as JSON.</summary>
public sealed class ExplainNode(string type)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly List<(string Name, string? Text, double? Number)> _properties = [];

    public string Type { get; } = type;

    /// <summary>Each has a text or a number.</summary>
    public IReadOnlyList<(string Name, string? Text, double? Number)> Properties => _properties;

    public List<ExplainNode> Children { get; } = [];

    /// <summary>A server's own answer to EXPLAIN, in the format asked for.</summary>
    public IReadOnlyList<string> ServerPlan { get; init; } = [];

    public ExplainNode Add(string name, string? text)
    {
        if (text is not null)
            _properties.Add((name, text, null));
        return this;
    }

    public ExplainNode Add(string name, double number)
    {
        _properties.Add((name, null, number));
        return this;
    }

    public IEnumerable<string> Lines(int depth = 0)
    {
        yield return (depth == 0 ? "" : new string(' ', (6 * depth) - 4) + "->  ") + Type;
        var indent = new string(' ', (6 * depth) + 2);
        foreach (var (name, text, number) in _properties)
        {
            var value = text ?? Number(number!.Value);
            yield return $"{indent}{name}: {value.ReplaceLineEndings("\n").Replace("\n", "\n" + indent + "  ", StringComparison.Ordinal)}";
        }
        foreach (var line in ServerPlan)
            yield return indent + line;
        foreach (var line in Children.SelectMany(child => child.Lines(depth + 1)))
            yield return line;
    }

    public static string Number(double number) => number.ToString("0.###", CultureInfo.InvariantCulture);

    public string Json() => new JsonArray(new JsonObject { ["Plan"] = ToJson() }).ToJsonString(Indented);

    private JsonObject ToJson()
    {
        var node = new JsonObject { ["Node Type"] = Type };
        foreach (var (name, text, number) in _properties)
            node[name] = text is not null ? JsonValue.Create(text) : JsonValue.Create(number!.Value);
        var plans = new JsonArray();
        if (ServerPlan.Count > 0 && JsonNode.Parse(string.Join('\n', ServerPlan)) is JsonArray { Count: 1 } answers && answers[0] is JsonObject server)
        {
            foreach (var name in server.Select(static pair => pair.Key).ToList())
            {
                server.Remove(name, out var value);
                if (name == "Plan")
                    plans.Add(value);
                else
                    node[name] = value;
            }
        }
        foreach (var child in Children)
            plans.Add(child.ToJson());
        if (plans.Count > 0)
            node["Plans"] = plans;
        return node;
    }
}
