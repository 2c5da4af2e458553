using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

/// <summary>
/// INSERT … SELECT whose rows come out of generate_series() and expressions alone, as pgbench makes its tables: no table
/// is read and nothing is volatile, so each shard can make all rows and keep its own.
/// </summary>
internal static class GeneratedRows
{
    // Immutable functions of pg_catalog that such statements use; what is not listed stays refused.
    private static readonly HashSet<string> Functions = new(StringComparer.Ordinal)
    {
        "generate_series", "abs", "ceil", "chr", "concat", "floor", "greatest", "left", "length", "lower", "lpad", "md5", "mod", "repeat",
        "replace", "right", "round", "rpad", "substr", "substring", "trunc", "upper",
    };

    public static InsertEverywherePlan? TryPlan(Query query, Findings findings, PlanningContext context, Names names, SourceText source)
    {
        if (query is not Insert { With: null, OnConflict: null, Returning.IsEmpty: true, Source: Select { With: null, Into: null, Locks: false } select } insert
            || !names.SystemFirst
            || findings is not { Refusal: null, Instances.Count: 0, HomeRelations.Count: 0, ReadsReference: false, ReadsTemporary: false, HomeFunction: null, WrittenReference: null, ReadsClock: false }
            || (findings.Traits & ~Traits.Writes) != 0
            || !IsGenerated(select))
        {
            return null;
        }
        var resolved = names.Resolve(insert.Target);
        // By its hash a shard can tell which rows are its own; ranges and lists it does not know.
        if (resolved is not { Class: RelationClass.Sharded, Distribution: { KeyColumn: { } key, Placement: null }, Relation: { } relation }
            || relation.FindColumn(key) is not { NotNull: true } column)
        {
            return null;
        }
        var columns = insert.Columns.IsEmpty ? [.. relation.Columns.Where(static c => !c.IsGenerated).Select(static c => c.Name)] : insert.Columns.ToArray();
        var ordinal = Array.IndexOf(columns, key);
        if (ordinal < 0 || ordinal >= select.Outputs.Length || select.Outputs.Any(static output => output.Value is ColumnReference { IsStar: true }))
            return null;
        var start = FindSelect(source.Bytes);
        return start < 0
            ? null
            : new InsertEverywherePlan(
                Encoding.UTF8.GetString(source.Bytes[..start]),
                Encoding.UTF8.GetString(source.Bytes[start..]).TrimEnd().TrimEnd(';'),
                select.Outputs.Length,
                ordinal,
                new KeyType(column.TypeOid, column.TypeModifier));
    }

    private static bool IsGenerated(Select select) =>
        select.From.All(static item => item is FromFunction function && function.Calls.All(IsGenerated))
        && select.Outputs.All(static output => IsGenerated(output.Value))
        && (select.Where is null || IsGenerated(select.Where))
        && select is { IsDistinct: false, HasGroupingSets: false, Having: null, Groups.IsEmpty: true, Windows.IsEmpty: true, Order.IsEmpty: true, Limits.IsEmpty: true };

    private static bool IsGenerated(Expression expression) =>
        expression switch
        {
            SubqueryExpression => false,
            FunctionCall call => call.Window is null && call.Names is [.., var name] && Functions.Contains(name) && (call.Names.Length == 1 || call.Names[0] == "pg_catalog"),
            TypeCast cast => cast.Type.Names is [.., "int4" or "int8" or "int2" or "text" or "numeric" or "varchar" or "bpchar" or "bool"],
            OtherExpression => false,
            _ => true,
        }
        && ExpressionChildren.Of(expression).All(IsGenerated);

    // The first SELECT outside parentheses; a column of that name would have to be quoted.
    private static int FindSelect(ReadOnlySpan<byte> sql)
    {
        var depth = 0;
        for (var position = 0; position < sql.Length;)
        {
            var value = sql[position];
            if (value == '"')
            {
                position = StringScan.EndOfIdentifier(sql, position);
            }
            else if (OperatorScan.IsCommentStart(sql, position))
            {
                position = OperatorScan.EndOfComment(sql, position);
            }
            else if (SqlBytes.IsWordStart(value))
            {
                var end = position;
                while (end < sql.Length && SqlBytes.IsWordByte(sql[end]))
                    end++;
                if (depth == 0 && Ascii.EqualsIgnoreCase(sql[position..end], "select"u8))
                    return position;
                position = end;
            }
            else
            {
                depth += value == '(' ? 1 : value == ')' ? -1 : 0;
                position++;
            }
            if (position < 0)
                return -1;
        }
        return -1;
    }
}
