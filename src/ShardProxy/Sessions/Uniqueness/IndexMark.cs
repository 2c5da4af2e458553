namespace ShardProxy.Sessions.Uniqueness;

/// <summary>
/// Tells whether an index of expressions, or with a condition, is still the one for which entries were made: a hash over all that it is
/// made of, the names of its columns among it. Means something on one shard only.
/// </summary>
public static class IndexMark
{
    /// <param name="index">A row of pg_index.</param>
    /// <param name="relation">The index's row of pg_class.</param>
    public static string Of(string index, string relation) => $"""
        pg_catalog.md5(pg_catalog.concat_ws('|', {relation}.relname, {index}.indkey, {index}.indexprs, {index}.indpred,
            (SELECT pg_catalog.string_agg(u.attname, ',' ORDER BY u.attnum) FROM pg_catalog.pg_attribute u WHERE {Uses(index, "u")})))
        """;

    /// <summary>Condition: the index uses the column.</summary>
    /// <param name="attribute">A row of pg_attribute.</param>
    public static string Uses(string index, string attribute) => $"""
        {attribute}.attrelid = {index}.indrelid AND EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = {index}.indexrelid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = {index}.indrelid AND d.refobjsubid = {attribute}.attnum)
        """;
}
