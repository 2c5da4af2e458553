using System.Globalization;
using ShardProxy.Directory;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>The SQL that a gather sends besides the statement itself. A format is text where a binary value would mean something else on the other shard.</summary>
internal static class GatherScript
{
    // A table of this many bytes or more gets statistics; for a smaller one they would cost more than a plan without them.
    private const long AnalyzedFrom = 32 * 1024;

    // The same, where a subquery looks for its rows once for each row around it.
    private const long LookedUpFrom = 16 * 1024;

    /// <summary>Before the snapshot is taken: whoever fills a materialized view from these tables waits for others who do.</summary>
    public static string Lock(GatherPlan plan) => $"LOCK TABLE ONLY {string.Join(", ONLY ", plan.Reads.Select(static read => Name(read.Table)))} IN SHARE UPDATE EXCLUSIVE MODE";

    /// <summary>The temporary tables with the rows of the shard's own: CREATE TABLE AS keeps types, modifiers and collations. Empty where they stand beside those.</summary>
    public static string Create(GatherRun run, IEnumerable<int> reads) => string.Concat(reads.Select(read => run.Plan.Extends
        ? $"CREATE TEMPORARY TABLE {run.Table(read)} () INHERITS ({Name(run.Plan.Reads[read].Table)}) ON COMMIT DROP;"
        : $"CREATE TEMPORARY TABLE {run.Table(read)} ON COMMIT DROP AS {run.Query(read)}{(run.Plan.NeedsRows ? "" : " WITH NO DATA")};"));

    /// <summary>One number a row: the bytes of each temporary table.</summary>
    public static string Sizes(GatherRun run, IEnumerable<int> reads) =>
        $"VALUES {string.Join(", ", reads.Select(read => $"(pg_catalog.pg_relation_size({Literal(run.Table(read))}))"))}";

    /// <summary>One number a row: for each view 1 if the user may read it, else 0; behind views for each table 1 if rows of it may be hidden from some; and for materialized views how many columns each has. Empty when nothing is to be asked.</summary>
    public static string Rights(GatherPlan plan)
    {
        if (plan.Views.IsEmpty && !plan.Extends)
            return "";
        var rows = plan.Views.Select(static view => $"(pg_catalog.has_any_column_privilege({Literal(Name(view))}, 'SELECT')::pg_catalog.int4::pg_catalog.int8)")
            .Concat(plan.Reads.Select(static read => $"((SELECT c.relrowsecurity FROM pg_catalog.pg_class c WHERE c.oid = {Literal(Name(read.Table))}::pg_catalog.regclass)::pg_catalog.int4::pg_catalog.int8)"));
        if (plan.Extends)
            rows = rows.Concat(plan.Reads.Select(static read => $"((SELECT pg_catalog.count(*) FROM pg_catalog.pg_attribute a WHERE a.attrelid = {Literal(Name(read.Table))}::pg_catalog.regclass AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped AND a.attgenerated OPERATOR(pg_catalog.=) ''))"));
        return $"VALUES {string.Join(", ", rows)};";
    }

    /// <summary>One row for each table: its columns in order, as a JSON array; NULL for one that does not exist.</summary>
    public static string Columns(GatherPlan plan) => $"VALUES {string.Join(", ", plan.Reads.Select(static read =>
        $"((SELECT pg_catalog.json_agg(a.attname ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass({Literal(Name(read.Table))}) AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped))"))}";

    /// <summary>One number a row: 1 if the transaction has one snapshot for all its statements, else 0; then the bytes of each table, with all its partitions.</summary>
    public static string TableSizes(IEnumerable<QualifiedName> tables)
    {
        var rows = tables.Select(static table =>
            $"((SELECT pg_catalog.sum(pg_catalog.pg_relation_size(part.relid))::pg_catalog.int8 FROM (SELECT {Literal(Name(table))}::pg_catalog.regclass AS relid UNION SELECT relid FROM pg_catalog.pg_partition_tree({Literal(Name(table))}::pg_catalog.regclass)) part))")
            .Prepend("((pg_catalog.current_setting('transaction_isolation') IN ('repeatable read', 'serializable'))::pg_catalog.int4::pg_catalog.int8)");
        return $"VALUES {string.Join(", ", rows)};";
    }

    /// <summary>One row: the distinct values of a column as an array; NULL when they are more than <paramref name="most"/>.</summary>
    /// <param name="conditions">With the table as "gathered".</param>
    public static string Keys(string table, string column, IEnumerable<string> conditions, int most)
    {
        var values = Select(table, column, conditions.Prepend($"gathered.{Identifiers.QuoteAlways(column)} IS NOT NULL"));
        return string.Create(CultureInfo.InvariantCulture,
            $"SELECT CASE WHEN pg_catalog.count(*) <= {most} THEN COALESCE(pg_catalog.array_agg(keys.k)::pg_catalog.text, '{{}}') END FROM (SELECT DISTINCT k FROM ({values}) AS all_keys LIMIT {most + 1}) AS keys");
    }

    /// <summary>The values of a column, as "k".</summary>
    /// <param name="conditions">With the table as "gathered".</param>
    public static string Select(string table, string column, IEnumerable<string> conditions)
    {
        var where = string.Join(" AND ", conditions);
        return $"SELECT gathered.{Identifiers.QuoteAlways(column)} AS k FROM {table} AS gathered{(where.Length == 0 ? "" : $" WHERE {where}")}";
    }

    /// <param name="encoding">Of text that must not pass through the client's encoding; null when it does no harm.</param>
    public static string CopyOut(string query, bool isBinary, string? encoding)
    {
        var copy = $"COPY ({query}) TO STDOUT ({Options(isBinary, encoding)})";
        // Styles in which every value is read back as it was, whatever the other shard's settings are; given back at once.
        return isBinary
            ? copy
            : $"SAVEPOINT shardproxy_gather; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL extra_float_digits = 3; {copy}; ROLLBACK TO SAVEPOINT shardproxy_gather; RELEASE SAVEPOINT shardproxy_gather";
    }

    public static string CopyIn(GatherRun run, int read, bool isBinary, string? encoding) =>
        $"COPY {run.Table(read)}{(run.Plan.Extends ? $" ({string.Join(", ", run.Plan.Reads[read].Columns.Select(Identifiers.QuoteAlways))})" : "")} FROM STDIN ({Options(isBinary, encoding)})";

    /// <param name="bytes">Of each read.</param>
    public static async ValueTask AnalyzeAsync(Session session, ServerConnection target, GatherRun run, IReadOnlyList<long> bytes)
    {
        var large = Enumerable.Range(0, bytes.Count).Where(read => bytes[read] >= (run.Plan.Lookups.Any(look => look.Read == read) ? LookedUpFrom : AnalyzedFrom)).ToList();
        if (large.Count == 0)
            return;
        target.SendQuery(Analyze(run, large), Disposition.Swallow);
        await session.DrainAsync(target);
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
    }

    /// <summary>Statistics, and indexes where subqueries will look for rows one by one.</summary>
    private static string Analyze(GatherRun run, IReadOnlyCollection<int> reads) =>
        string.Concat(run.Plan.Lookups.Where(look => reads.Contains(look.Read)).Select(look => $"CREATE INDEX ON {run.Table(look.Read)} ({Identifiers.QuoteAlways(look.Column)}); "))
        + $"ANALYZE {string.Join(", ", reads.Select(run.Table))}";

    /// <summary>Quoted, for SQL.</summary>
    public static string Name(QualifiedName name) => $"{Identifiers.QuoteAlways(name.Schema)}.{Identifiers.QuoteAlways(name.Name)}";

    private static string Options(bool isBinary, string? encoding) =>
        isBinary ? "FORMAT binary" : encoding is null ? "FORMAT text" : string.Create(CultureInfo.InvariantCulture, $"FORMAT text, ENCODING '{encoding}'");

    private static string Literal(string text) => Identifiers.Literal(text);
}
