using System.Text;
using ShardProxy.Protocol.Messages;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Reads COPY's options, of the new syntax and the old; the grammar gives both the same names (ProcessCopyOptions in copy.c has the defaults).</summary>
internal static class CopyOptionReader
{
    public static CopyOptions? Read(SyntaxNode copy, Directory.TableDistribution table, out RefusedPlan? refusal)
    {
        refusal = null;
        var key = table.KeyColumn;
        var values = new Dictionary<string, SyntaxNode>(StringComparer.Ordinal);
        foreach (var option in copy.List("options"))
            values[(option.Text("defname") ?? "").ToLowerInvariant()] = option;
        foreach (var name in values.Keys)
        {
            if (!IsKnown(name))
            {
                refusal = Refusals.Of($"COPY option \"{name}\" is not known to the proxy", null);
                return null;
            }
        }
        var format = Text(values, "format")?.ToLowerInvariant() switch
        {
            null or "text" => CopyFormat.Text,
            "csv" => CopyFormat.Csv,
            "binary" => CopyFormat.Binary,
            _ => (CopyFormat?)null,
        };
        if (format is null)
            return Invalid($"COPY format \"{Text(values, "format")}\" not recognized", out refusal);
        var csv = format == CopyFormat.Csv;
        if (!TryByte(values, "delimiter", csv ? (byte)',' : (byte)'\t', out var delimiter)
            || !TryByte(values, "quote", (byte)'"', out var quote)
            || !TryByte(values, "escape", quote, out var escape))
        {
            return Invalid("COPY delimiter, quote and escape must be single one-byte characters", out refusal);
        }
        return new CopyOptions(
            format.Value,
            delimiter,
            Text(values, "null") ?? (csv ? "" : "\\N"),
            Header(values),
            quote,
            escape,
            Lists(values, "force_null", key),
            Lists(values, "force_not_null", key),
            Text(values, "default"),
            Text(values, "encoding"))
        {
            ForceNullOnZone = Lists(values, "force_null", table.ZoneColumn),
            ForceNotNullOnZone = Lists(values, "force_not_null", table.ZoneColumn),
        };
    }

    private static bool IsKnown(string name) => name is
        "format" or "freeze" or "delimiter" or "null" or "default" or "header" or "quote" or "escape" or "force_quote"
        or "force_not_null" or "force_null" or "encoding" or "on_error" or "log_verbosity" or "reject_limit";

    private static CopyOptions? Invalid(string message, out RefusedPlan? refusal)
    {
        refusal = new RefusedPlan(SqlStates.InvalidParameterValue, message, null);
        return null;
    }

    private static string? Text(Dictionary<string, SyntaxNode> values, string name) =>
        values.TryGetValue(name, out var option) ? option.Node("arg").StringValue : null;

    private static bool TryByte(Dictionary<string, SyntaxNode> values, string name, byte absent, out byte value)
    {
        value = absent;
        if (Text(values, name) is not { } text)
            return true;
        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length != 1)
            return false;
        value = bytes[0];
        return true;
    }

    private static CopyHeader Header(Dictionary<string, SyntaxNode> values)
    {
        if (!values.TryGetValue("header", out var option))
            return CopyHeader.None;
        if (string.Equals(option.Node("arg").StringValue, "match", StringComparison.OrdinalIgnoreCase))
            return CopyHeader.Match;
        return SessionCommands.IsOn(option) ? CopyHeader.Present : CopyHeader.None;
    }

    /// <summary>A list of columns, or * for all.</summary>
    private static bool Lists(Dictionary<string, SyntaxNode> values, string name, string? key)
    {
        if (!values.TryGetValue(name, out var option))
            return false;
        var argument = option.Node("arg");
        return argument.Is("A_Star") || (key is not null && argument.Items().Any(item => item.StringValue == key));
    }
}
