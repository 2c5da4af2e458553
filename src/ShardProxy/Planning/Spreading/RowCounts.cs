using System.Globalization;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>Reads LIMIT and OFFSET, and writes the LIMIT of a shard: no shard needs to give more than both together.</summary>
internal static class RowCounts
{
    /// <summary>False when a count is neither a constant nor a parameter.</summary>
    public static bool TryRead(Select select, SourceText source, out RowCountTerm? limit, out RowCountTerm? offset)
    {
        offset = null;
        return TryRead(select.LimitCount, source, out limit) && TryRead(select.LimitOffset, source, out offset);
    }

    public static string Clause(RowCountTerm limit, RowCountTerm? offset, bool withTies)
    {
        var count = offset is null ? Text(limit) : $"least({Text(limit)}::pg_catalog.numeric OPERATOR(pg_catalog.+) {Text(offset.Value)}::pg_catalog.numeric, 9223372036854775807)::pg_catalog.int8";
        return withTies ? $"FETCH FIRST ({count}) ROWS WITH TIES" : $"LIMIT ({count})";
    }

    /// <summary>OFFSET and LIMIT as they stand, for the one statement that is last.</summary>
    public static IEnumerable<string> LastClauses(RowCountTerm? limit, RowCountTerm? offset, bool withTies)
    {
        if (offset is { } skipped)
            yield return $"OFFSET {Plain(skipped)}";
        if (limit is { } count)
            yield return withTies ? $"FETCH FIRST ({Plain(count)}) ROWS WITH TIES" : $"LIMIT {Plain(count)}";
    }

    private static string Plain(RowCountTerm term) => term switch
    {
        { Parameter: > 0 } => string.Create(CultureInfo.InvariantCulture, $"${term.Parameter}"),
        { Value: { } value } => string.Create(CultureInfo.InvariantCulture, $"({value})"),
        _ => "NULL",
    };

    private static bool TryRead(Expression? expression, SourceText source, out RowCountTerm? term)
    {
        term = null;
        switch (expression)
        {
            case null:
                return true;
            case Constant { Kind: ConstantKind.Null }:
                term = default(RowCountTerm);
                return true;
            case Constant { Kind: ConstantKind.Integer or ConstantKind.Decimal or ConstantKind.Text } constant:
                if (!long.TryParse(source.SensitiveText(constant), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value))
                    return false;
                term = new RowCountTerm(value, 0);
                return true;
            case Parameter parameter:
                term = new RowCountTerm(null, parameter.Number);
                return true;
            case TypeCast { Operand: Parameter parameter, Type: { IsArray: false, HasModifiers: false, Names: [.., "int4" or "int8" or "int2"] } }:
                term = new RowCountTerm(null, parameter.Number);
                return true;
            default:
                return false;
        }
    }

    private static string Text(RowCountTerm term) => term switch
    {
        { Parameter: > 0 } => string.Create(CultureInfo.InvariantCulture, $"${term.Parameter}::pg_catalog.int8"),
        { Value: { } value } => string.Create(CultureInfo.InvariantCulture, $"({value})::pg_catalog.int8"),
        _ => "0::pg_catalog.int8",
    };
}
