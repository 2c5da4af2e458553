using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Notes what the functions of a statement do besides computing a value.</summary>
internal sealed class FunctionSurvey(PlanningContext context, Names names, Findings findings)
{
    public void Survey(FunctionCall call, SourceText source)
    {
        var name = call.Names[^1];
        if (SettingFunction.IsSetting(call) && call.Arguments is not [_, _, Constant { Kind: ConstantKind.Boolean, Text: "true" }])
        {
            // On one server alone the session can stay with its setting.
            findings.Traits |= Traits.Pins;
            findings.PrefersHome = true;
            if (context.Directory.HasShardedTables)
            {
                findings.Refuse(
                    "set_config() changes the session's settings and is understood only by itself, with a constant name and is_local",
                    "Write SELECT set_config('name', value, false) as a statement of its own, or SET.");
            }
        }
        SurveyTexts(call);
        if (names.FindFunction(call.Names) is { } function)
            SurveyUser(function);
        else if (call.Names.Length == 1 || call.Names[^2] == "pg_catalog")
            SurveyBuiltIn(name);
    }

    /// <summary>A function that runs on the shard of its key argument, and may touch what is colocated with the key's table.</summary>
    public void SurveyDistributed(FunctionInfo function, TableDistribution table) => SurveyUser(function, table.Group);

    /// <summary>A routine that runs: CALL, DO or a call in a query.</summary>
    public void SurveyBody(string routine, string body, bool mayWrite) =>
        SurveyBody(routine, "plpgsql", body, mayWrite, new HashSet<string>(StringComparer.OrdinalIgnoreCase), null);

    // SQL that a built-in function or an extension's is given as text.
    private void SurveyTexts(FunctionCall call)
    {
        if (!context.Directory.HasShardedTables || QueryTexts.Of(call) is { Count: 0 })
            return;
        var routine = $"the function {call.Names[^1]}()";
        if (QueryTexts.Of(call) is not { } texts)
        {
            findings.Refuse($"{routine} reads tables that are not known before it runs, and runs on one shard only", Refusals.KeyHint);
            return;
        }
        findings.PrefersHome = true;
        foreach (var text in texts)
            SurveyBody(routine, text, mayWrite: false);
    }

    /// <param name="seen">Words whose own bodies have been looked at.</param>
    /// <param name="group">Of the tables that it may touch, because it runs on the shard of a key; null for other routines.</param>
    private void SurveyBody(string routine, string language, string body, bool mayWrite, HashSet<string> seen, string? group)
    {
        if (group is null && context.Directory.HasShardedTables && QueryTexts.IsMade(language, body))
        {
            findings.Refuse(
                $"{routine} makes the text of a statement when it runs, so the tables that it touches are not known",
                "If it touches rows of one key only, declare that: SELECT create_distributed_function('name(types)', 'argument'). Or say where it belongs: /* shardproxy: shard=… */.");
        }
        var home = (string?)null;
        foreach (var word in BodyWords.Of(body))
        {
            if (context.Directory.HasShardedTables && seen.Add(word))
            {
                foreach (var (inner, innerLanguage) in BodiesOf(word))
                    SurveyBody(routine, innerLanguage, inner, mayWrite, seen, group);
            }
            if (FindTable(word) is not { } table)
            {
                if (home is null && NamesHomeRelation(word))
                    home = word;
                continue;
            }
            if (table.Kind == TableKind.Sharded && table.Group == group)
                continue;
            if (table.Kind == TableKind.Sharded)
            {
                findings.Refuse(
                    $"{routine} names \"{table.Table.Name}\", which is sharded by {table.KeyText}, and runs on one shard only",
                    Refusals.KeyHint);
            }
            else if (mayWrite && BodyWords.Writes(body))
            {
                findings.Refuse(Refusals.WritesReference(table.Table.Name).Reason + $"; {routine} names it and writes", Refusals.WritesReference(table.Table.Name).Hint);
            }
        }
        if (home is not null)
            findings.AddHome(home);
    }

    private void SurveyUser(FunctionInfo function, string? group = null)
    {
        var isVolatile = function.Volatility == FunctionVolatility.Volatile;
        if (isVolatile)
            findings.Traits |= Traits.Writes | Traits.Taints;
        // Whatever the language: a table that it reads stands in its text, if only in a string.
        if (function.Body is { } body)
            SurveyBody($"the function {function.Name.Name}()", function.Language, body, isVolatile, new HashSet<string>(StringComparer.OrdinalIgnoreCase), group);
        findings.PrefersHome = true;
        // An aggregate's language is "internal"; that of overloads which differ is not known.
        if (function.Volatility != FunctionVolatility.Immutable || function.Language is "internal" or "")
            findings.Unspreadable ??= $"the function {function.Name.Name}()";
    }

    private void SurveyBuiltIn(string name)
    {
        var effect = BuiltInFunctions.EffectOf(name);
        if (effect != default)
            findings.Unspreadable ??= $"the function {name}()";
        if (BuiltInFunctions.IsVolatile(name))
            findings.VolatileFunction ??= name;
        findings.ReadsClock |= BuiltInFunctions.ReadsClock(name);
        findings.Traits |= effect.Traits;
        // Identifiers that proxies hold of the sequence are given up, in the whole fleet, as when the schema changes.
        if (name == "setval" && context.Directory.Tables.Count > 0)
            findings.Traits |= Traits.ChangesCatalog;
        if (effect.NeedsHome)
            findings.HomeFunction ??= name;
        findings.PrefersHome |= effect.PrefersHome;
    }

    /// <summary>What a word may bring in: the queries of views and the bodies of functions of that name, in whichever schema.</summary>
    private IEnumerable<(string Body, string Language)> BodiesOf(string word)
    {
        foreach (var (name, relation) in context.Catalog.Relations)
        {
            if (relation.ViewDefinition is { } definition && string.Equals(name.Name, word, StringComparison.OrdinalIgnoreCase))
                yield return (definition, "sql");
        }
        foreach (var (name, function) in context.Catalog.Functions)
        {
            if (function.Body is { } body && string.Equals(name.Name, word, StringComparison.OrdinalIgnoreCase))
                yield return (body, function.Language);
        }
    }

    private TableDistribution? FindTable(string word)
    {
        TableDistribution? found = null;
        foreach (var (name, table) in context.Directory.Tables)
        {
            // Several may match; the first by name, so that the same text gives the same words.
            if (string.Equals(name.Name, word, StringComparison.OrdinalIgnoreCase)
                && (found is null || string.CompareOrdinal(name.ToString(), found.Table.ToString()) < 0))
            {
                found = table;
            }
        }
        return found;
    }

    private bool NamesHomeRelation(string word)
    {
        foreach (var name in context.Catalog.Relations.Keys)
        {
            if (string.Equals(name.Name, word, StringComparison.OrdinalIgnoreCase) && !Names.IsSystemSchema(name.Schema))
                return names.Resolve(name.Schema, name.Name).Class == RelationClass.Home;
        }
        return false;
    }
}
