using System.Globalization;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>The SQL by which a statement is taken to the gather server: what the home shard is asked, and what the server is told.</summary>
internal static class ServerScript
{
    /// <summary>
    /// Settings that change what a value means or how it is shown, and what bounds a statement: the server has those of the session's
    /// connection to the home shard, whatever its own are.
    /// </summary>
    private static readonly string[] Settings =
    [
        "timezone", "timezone_abbreviations", "datestyle", "intervalstyle", "lc_monetary", "lc_numeric", "lc_time", "bytea_output", "extra_float_digits",
        "xmlbinary", "xmloption", "array_nulls", "transform_null_equals", "standard_conforming_strings", "backslash_quote", "statement_timeout",
    ];

    /// <summary>How a statement is done, as far as the client has said so.</summary>
    private static readonly string[] PlannerSettings = ["work_mem", "hash_mem_multiplier", "jit", "from_collapse_limit", "join_collapse_limit", "geqo", "max_parallel_workers_per_gather"];

    // Types that are ids of a server's objects, and arrays of them (pg_type.dat): reg* and aclitem.
    private const string ObjectIdTypes = "24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191, 1033";

    /// <summary>
    /// Texts, one a row: "1" if the names that the statement rests on are PostgreSQL's own here; the settings, as SQL that gives a server the
    /// same; and the columns of each read's temporary table, NULL where they are not to be had on another server.
    /// </summary>
    public static string Questions(GatherPlan plan) => $"VALUES ({Own(plan.Needs!)}), ({SettingsText}){string.Concat(plan.Reads.Select(static read => $", ({Columns(read)})"))};";

    public static int QuestionCount(GatherPlan plan) => 2 + plan.Reads.Length;

    /// <param name="settings">What <see cref="Questions"/> said of them.</param>
    /// <param name="columns">Of each read.</param>
    public static string Prepare(GatherRun run, Session session, string settings, IReadOnlyList<string> columns, bool isOpen)
    {
        var tables = columns.Select((list, read) => $"CREATE TEMPORARY TABLE {run.Table(read)} ({list}) ON COMMIT DROP;");
        return $"{(isOpen ? "" : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;")}SELECT pg_catalog.set_config('search_path', 'pg_catalog', true), {settings}{PlannerText(session)};{string.Concat(tables)}";
    }

    // Conservative: by names alone, whatever their arguments.
    private static string Own(ServerNeeds needs) =>
        $"""
        (NOT EXISTS (SELECT FROM pg_catalog.pg_operator o WHERE o.oprname = ANY ({Names(needs.Operators)}) AND o.oid >= 16384 AND o.oprleft < 16384 AND o.oprright < 16384)
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = ANY ({Names(needs.Functions)}) AND (p.oid >= 16384 OR p.proacl IS NOT NULL))
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast c WHERE c.oid >= 16384 AND c.castsource < 16384 AND (c.casttarget < 16384 OR c.castcontext = 'i')))::pg_catalog.int4::pg_catalog.text
        """;

    private static string SettingsText { get; } =
        string.Join(" || ', ' || ", Settings.Select(static name => $"pg_catalog.format('pg_catalog.set_config(''{name}'', %L, true)', pg_catalog.current_setting('{name}'))"));

    private static string PlannerText(Session session)
    {
        var text = "";
        foreach (var (name, value) in session.Settings.Session.Values.Concat(session.Settings.Local.Values))
        {
            if (name.StartsWith("enable_", StringComparison.Ordinal) || PlannerSettings.Contains(name))
                text += $", pg_catalog.set_config({Identifiers.Literal(name)}, {Identifiers.Literal(value)}, true)";
        }
        return text;
    }

    private static string Columns(GatherRead read)
    {
        if (read.Columns.IsEmpty)
            return "''";
        return string.Create(CultureInfo.InvariantCulture, $"""
            (SELECT CASE WHEN pg_catalog.count(*) = {read.Columns.Length} AND pg_catalog.bool_and(
                 a.atttypid < 16384 AND NOT COALESCE(NULLIF(t.typelem, 0), t.oid) IN ({ObjectIdTypes}) AND a.attcollation IN (0, 100, 950, 951)
                 AND t.typtype IN ('b', 'r', 'm') AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'))
              THEN pg_catalog.string_agg(pg_catalog.format('%I %s%s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
                 CASE a.attcollation WHEN 950 THEN ' COLLATE pg_catalog."C"' WHEN 951 THEN ' COLLATE pg_catalog."POSIX"' ELSE '' END), ', ' ORDER BY a.attnum) END
             FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
             WHERE a.attrelid = {Identifiers.Literal(GatherScript.Name(read.Table))}::pg_catalog.regclass AND a.attname = ANY ({Names(read.Columns)}) AND a.attnum > 0 AND NOT a.attisdropped)
            """);
    }

    private static string Names(IEnumerable<string> names) => $"ARRAY[{string.Join(", ", names.Select(Identifiers.Literal))}]::pg_catalog.name[]";
}
