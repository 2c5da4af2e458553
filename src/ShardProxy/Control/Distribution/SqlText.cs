using ShardProxy.Directory;

namespace ShardProxy.Control.Distribution;

/// <summary>Identifiers and literals as SQL text.</summary>
internal static class SqlText
{
    public static string Identifier(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    public static string Identifier(QualifiedName name) => $"{Identifier(name.Schema)}.{Identifier(name.Name)}";
}
