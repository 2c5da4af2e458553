using System.Xml.Linq;

namespace ShardProxy.Sessions.Running.Explaining;

/// <summary>A plan over shards as PostgreSQL writes XML, with each server's plan in it.</summary>
internal static class ExplainXml
{
    private static readonly XNamespace Space = "http://www.postgresql.org/2009/explain";

    public static string Write(ExplainNode node) => new XElement(Space + "explain", new XElement(Space + "Query", Plan(node))).ToString();

    private static XElement Plan(ExplainNode node)
    {
        var element = new XElement(Space + "Plan", Property("Node Type", node.Type));
        foreach (var (name, text, number) in node.Properties)
            element.Add(Property(name, text ?? ExplainNode.Number(number!.Value)));
        var plans = new XElement(Space + "Plans");
        if (node.ServerPlan.Count > 0)
        {
            // Beside the plan there is what a server says of the whole: times of planning and execution.
            foreach (var part in XElement.Parse(string.Join('\n', node.ServerPlan)).Element(Space + "Query")?.Elements() ?? [])
                (part.Name == Space + "Plan" ? plans : element).Add(new XElement(part));
        }
        foreach (var child in node.Children)
            plans.Add(Plan(child));
        if (plans.HasElements)
            element.Add(plans);
        return element;
    }

    private static XElement Property(string name, string value) => new(Space + name.Replace(' ', '-'), value);
}
