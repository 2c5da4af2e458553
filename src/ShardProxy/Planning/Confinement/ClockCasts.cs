using System.Collections.Frozen;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>
/// Finds casts whose result depends on the time of the transaction: text that may say 'today' only when it runs, read as a
/// date or a time. Literals and parameters are looked at by <see cref="ClockValues"/>.
/// </summary>
internal static class ClockCasts
{
    // Types whose input never looks at the clock.
    private static readonly FrozenSet<string> Timeless = FrozenSet.Create(
        StringComparer.Ordinal,
        "int2", "int4", "int8", "float4", "float8", "numeric", "money", "bool", "text", "varchar", "bpchar", "char", "name", "uuid", "bytea", "json",
        "jsonb", "jsonpath", "xml", "interval", "oid", "inet", "cidr", "macaddr", "macaddr8", "bit", "varbit", "point", "line", "lseg", "box", "path",
        "polygon", "circle", "tsvector", "tsquery", "int4range", "int8range", "numrange", "pg_lsn", "xid", "cid", "tid");

    private static readonly FrozenSet<string> Texts = FrozenSet.Create(StringComparer.Ordinal, "text", "varchar", "bpchar", "char", "name");

    // Functions of pg_catalog that never give text.
    private static readonly FrozenSet<string> Textless = FrozenSet.Create(
        StringComparer.Ordinal,
        "date_trunc", "date_bin", "make_date", "make_time", "make_timestamp", "make_timestamptz", "to_date", "to_timestamp", "timezone", "date", "timestamp",
        "timestamptz", "time", "date_part", "extract", "age", "now", "count", "generate_series", "justify_days", "justify_hours", "justify_interval");

    /// <summary>A call that is a cast: date(x).</summary>
    public static bool MayReadClock(FunctionCall call, Place place) => call.Names[^1] switch
    {
        "date" or "timestamp" or "timestamptz" or "time" => call.Arguments.Any(argument => MayBeText(argument, place)),
        "timetz" => true,
        "json_populate_record" or "json_populate_recordset" or "json_to_record" or "json_to_recordset"
            or "jsonb_populate_record" or "jsonb_populate_recordset" or "jsonb_to_record" or "jsonb_to_recordset" => true,
        _ => false,
    };

    public static bool MayReadClock(TypeCast cast, Place place)
    {
        var name = cast.Type.Names[^1];
        if (Timeless.Contains(name) || name.StartsWith("reg", StringComparison.Ordinal))
            return false;
        // Without a zone in the text the session's offset of today is added.
        if (name == "timetz")
            return !(cast.Operand is ColumnReference column && TypeOf(column, place) == TypeOid.TimeTz);
        return MayBeText(cast.Operand, place);
    }

    private static bool MayBeText(Expression expression, Place place)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.EnsureSufficientExecutionStack();
        return expression switch
        {
            Constant or Parameter or BooleanExpression or NullTest or BooleanTest => false,
            ColumnReference column => !IsTextless(TypeOf(column, place)),
            TypeCast cast => Texts.Contains(cast.Type.Names[^1]) ? MayBeText(cast.Operand, place) : !Timeless.Contains(cast.Type.Names[^1]) && !IsTime(cast.Type.Names[^1]),
            FunctionCall call => !(Textless.Contains(call.Names[^1]) && (call.Names.Length == 1 || call.Names[0] == "pg_catalog")),
            OperatorExpression { OperatorNames: [.., "+" or "-" or "*" or "/" or "%" or "<" or ">" or "<=" or ">=" or "<>"] } => false,
            OperatorExpression { OperatorNames: [.., "="], Form: not OperatorForm.Other } => false,
            // NULLIF gives its left side.
            OperatorExpression { OperatorNames: [.., "="], Left: { } left } => MayBeText(left, place),
            OtherExpression { Kind: "SQLValueFunction" } => false,
            OtherExpression other => other.Operands.Any(operand => MayBeText(operand, place)),
            ArrayExpression array => array.Elements.Any(element => MayBeText(element, place)),
            _ => true,
        };
    }

    private static uint TypeOf(ColumnReference column, Place place) => place.Columns.Resolve(column).Variable?.TypeOid ?? 0;

    private static bool IsTime(string type) => type is "date" or "time" or "timetz" or "timestamp" or "timestamptz";

    private static bool IsTextless(uint type) => type is TypeOid.Bool or TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Oid or TypeOid.Float4 or TypeOid.Float8
        or TypeOid.Numeric or TypeOid.Money or TypeOid.Uuid or TypeOid.Date or TypeOid.Time or TypeOid.TimeTz or TypeOid.Timestamp or TypeOid.Timestamptz or TypeOid.Interval;
}
