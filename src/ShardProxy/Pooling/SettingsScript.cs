using System.Text;

namespace ShardProxy.Pooling;

/// <summary>The SQL that turns one set of session settings into another on a server connection.</summary>
public static class SettingsScript
{
    // Who the session acts as decides what it may set, so identities are undone first and taken on last.
    private static readonly string[] Identities = ["session_authorization", "role"];

    /// <summary>Statements separated by semicolons; empty when nothing differs.</summary>
    public static string Between(SettingsSet applied, SettingsSet wanted)
    {
        var sql = new StringBuilder();
        foreach (var identity in Identities.Reverse())
        {
            if (applied.Find(identity) is { } old && old != wanted.Find(identity))
                AppendReset(sql, identity);
        }
        foreach (var name in applied.Values.Keys)
        {
            if (wanted.Find(name) is null && !Identities.Contains(name))
                AppendReset(sql, name);
        }
        foreach (var (name, value) in wanted.Values)
        {
            if (applied.Find(name) != value && !Identities.Contains(name))
                AppendSet(sql, name, value);
        }
        foreach (var identity in Identities)
        {
            if (wanted.Find(identity) is { } value && applied.Find(identity) != value)
                AppendSet(sql, identity, value);
        }
        return sql.ToString();
    }

    public static string QuoteLiteral(string value)
    {
        var quoted = "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";
        return value.Contains('\\', StringComparison.Ordinal)
            ? " E" + quoted.Replace("\\", "\\\\", StringComparison.Ordinal)
            : quoted;
    }

    /// <summary>A setting's name as SHOW and RESET take it: "my"."own".</summary>
    public static string QuoteName(string name) => string.Join('.', name.Split('.').Select(QuoteIdentifier));

    public static string QuoteIdentifier(string name) => "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    private static void AppendReset(StringBuilder sql, string name)
    {
        sql.Append(name switch
        {
            "role" => "RESET ROLE",
            "session_authorization" => "RESET SESSION AUTHORIZATION",
            _ => "RESET " + QuoteName(name),
        });
        sql.Append(';');
    }

    private static void AppendSet(StringBuilder sql, string name, string value) =>
        sql.Append("SELECT pg_catalog.set_config(").Append(QuoteLiteral(name)).Append(',').Append(QuoteLiteral(value)).Append(",false);");
}
