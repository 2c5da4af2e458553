using System.Globalization;
using ShardProxy.Planning.Gathering;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>The SQL that a gather sends besides the statement itself. A format is text where a binary value would mean something else on the home shard.</summary>
internal static class GatherScript
{
    /// <summary>Before the snapshot is taken: whoever fills a materialized view from these tables waits for others who do.</summary>
    public static string Lock(GatherPlan plan) => $"LOCK TABLE ONLY {string.Join(", ONLY ", plan.Reads.Select(static read => Name(read.Table)))} IN SHARE UPDATE EXCLUSIVE MODE";

    /// <summary>The temporary tables with the home shard's own rows: CREATE TABLE AS keeps types, modifiers and collations. Empty where they stand beside those.</summary>
    public static string Create(GatherRun run) => string.Concat(run.Plan.Reads.Select((read, index) => run.Plan.Extends
        ? $"CREATE TEMPORARY TABLE {run.Table(index)} () INHERITS ({Name(read.Table)}) ON COMMIT DROP;"
        : $"CREATE TEMPORARY TABLE {run.Table(index)} ON COMMIT DROP AS {read.Query}{(run.Plan.NeedsRows ? "" : " WITH NO DATA")};"));

    /// <summary>One number a row: the bytes of each table; for each view 1 if the user may read it, else 0; behind views for each table 1 if rows of it may be hidden from some; and for materialized views how many columns each has.</summary>
    public static string Checks(GatherRun run)
    {
        var rows = run.Plan.Reads.Select((_, index) => $"(pg_catalog.pg_relation_size({Literal(run.Table(index))}))").ToList();
        foreach (var view in run.Plan.Views)
            rows.Add($"(pg_catalog.has_any_column_privilege({Literal(Name(view))}, 'SELECT')::pg_catalog.int4::pg_catalog.int8)");
        if (!run.Plan.Views.IsEmpty || run.Plan.Extends)
            rows.AddRange(run.Plan.Reads.Select(read => $"((SELECT c.relrowsecurity FROM pg_catalog.pg_class c WHERE c.oid = {Literal(Name(read.Table))}::pg_catalog.regclass)::pg_catalog.int4::pg_catalog.int8)"));
        if (run.Plan.Extends)
            rows.AddRange(run.Plan.Reads.Select(read => $"((SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = {Literal(Name(read.Table))}::pg_catalog.regclass AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped AND a.attgenerated OPERATOR(pg_catalog.=) ''))"));
        return $"VALUES {string.Join(", ", rows)}";
    }

    /// <param name="encoding">Of text that must not pass through the client's encoding; null when it does no harm.</param>
    public static string CopyOut(GatherRead read, bool isBinary, string? encoding)
    {
        var copy = $"COPY ({read.Query}) TO STDOUT ({Options(isBinary, encoding)})";
        // Styles in which every value is read back as it was, whatever the home shard's settings are; given back at once.
        return isBinary
            ? copy
            : $"SAVEPOINT shardproxy_gather; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL extra_float_digits = 3; {copy}; ROLLBACK TO SAVEPOINT shardproxy_gather; RELEASE SAVEPOINT shardproxy_gather";
    }

    public static string CopyIn(GatherRun run, int read, bool isBinary, string? encoding) =>
        $"COPY {run.Table(read)}{(run.Plan.Extends ? $" ({string.Join(", ", run.Plan.Reads[read].Columns.Select(Planning.Identifiers.QuoteAlways))})" : "")} FROM STDIN ({Options(isBinary, encoding)})";

    public static string Analyze(GatherRun run, IEnumerable<int> reads) => $"ANALYZE {string.Join(", ", reads.Select(run.Table))}";

    private static string Options(bool isBinary, string? encoding) =>
        isBinary ? "FORMAT binary" : encoding is null ? "FORMAT text" : string.Create(CultureInfo.InvariantCulture, $"FORMAT text, ENCODING '{encoding}'");

    private static string Name(Directory.QualifiedName name) =>
        $"\"{name.Schema.Replace("\"", "\"\"", StringComparison.Ordinal)}\".\"{name.Name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Literal(string text) => $"E'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
