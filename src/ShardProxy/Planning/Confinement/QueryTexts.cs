using System.Collections.Frozen;
using System.Text.RegularExpressions;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>SQL that is made or given as text where a statement runs, so that the tables that it reads cannot be seen in the statement.</summary>
internal static partial class QueryTexts
{
    // Functions of PostgreSQL and its own extensions that take a query or a table's name as text.
    private static readonly FrozenSet<string> Readers = FrozenSet.Create(
        StringComparer.Ordinal,
        "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "table_to_xml", "table_to_xmlschema", "table_to_xml_and_xmlschema", "ts_stat",
        "crosstab", "crosstab2", "crosstab3", "crosstab4", "crosstab_hash", "connectby", "xpath_table");

    // They read whatever there is.
    private static readonly FrozenSet<string> WholeReaders = FrozenSet.Create(
        StringComparer.Ordinal,
        "schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema", "database_to_xml", "database_to_xmlschema", "database_to_xml_and_xmlschema");

    /// <summary>The texts that a call runs; null where one is not known before it runs. Empty for other functions.</summary>
    public static IReadOnlyList<string>? Of(FunctionCall call)
    {
        var name = call.Names[^1];
        if (WholeReaders.Contains(name))
            return null;
        var texts = new List<string>();
        if (!Readers.Contains(name) && !(name == "ts_rewrite" && call.Arguments.Length == 2))
            return texts;
        foreach (var argument in call.Arguments)
        {
            var value = argument is NamedArgument named ? named.Value : argument;
            switch (value is TypeCast cast ? cast.Operand : value)
            {
                case Constant { Kind: ConstantKind.Text, Text: { } text }:
                    texts.Add(text);
                    break;
                case Constant:
                    break;
                default:
                    if (name != "ts_rewrite" || !ReferenceEquals(argument, call.Arguments[0]))
                        return null;
                    break;
            }
        }
        return texts;
    }

    /// <summary>Whether a body can make a statement whose text does not stand in it.</summary>
    public static bool IsMade(string language, string body) => language switch
    {
        "sql" or "c" or "internal" => false,
        "plpgsql" => MadeStatement().IsMatch(body),
        _ => ServerCall().IsMatch(body),
    };

    // EXECUTE of anything but one string, or a function of a trigger.
    [GeneratedRegex(@"\bexecute\b(?!\s*(('([^']|'')*'|\$\w*\$[^$]*\$\w*\$)\s*(;|into\b|using\b|loop\b)|(function|procedure)\b))", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex MadeStatement();

    // How the languages that come with PostgreSQL, and plv8, reach the server.
    [GeneratedRegex(@"\b(plpy\s*\.\s*(?!(execute|cursor)\s*\(\s*(""[^""]*""|'[^']*')\s*[,)])(execute|prepare|cursor)|spi_\w+|plv8\s*\.|pg_execute)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ServerCall();
}
