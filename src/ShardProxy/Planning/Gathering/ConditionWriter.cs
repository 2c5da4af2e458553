using System.Collections.Frozen;
using System.Globalization;
using ShardProxy.Catalog;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// Writes a condition on one table's columns so that each shard can look at it first. Only what no shard can see otherwise
/// than the home shard, and what cannot fail on rows that would not have been looked at: comparisons of columns of
/// built-in types with constants, parameters and each other, joined by AND, OR and NOT.
/// </summary>
/// <param name="isAlike">The shards' settings and collations are the same, so that a shard reads a text as the home shard would.</param>
internal sealed class ConditionWriter(SourceText source, Names names, bool isAlike, Func<ColumnReference, Column?> columnOf)
{
    /// <summary>The column that the condition names may be a cast of the table's, to a wider type of the same family.</summary>
    public bool IsInside { get; init; }

    private static readonly FrozenSet<uint> Types = new[]
    {
        TypeOid.Bool, TypeOid.Int2, TypeOid.Int4, TypeOid.Int8, TypeOid.Float4, TypeOid.Float8, TypeOid.Numeric, TypeOid.Text, TypeOid.Varchar,
        TypeOid.Bpchar, TypeOid.Uuid, TypeOid.Date, TypeOid.Timestamp, TypeOid.Timestamptz,
    }.ToFrozenSet();

    // Types of which a constant is written in one way everywhere, and whose order is no collation's.
    private static readonly FrozenSet<uint> PlainTypes = new[]
    {
        TypeOid.Bool, TypeOid.Int2, TypeOid.Int4, TypeOid.Int8, TypeOid.Float4, TypeOid.Float8, TypeOid.Numeric, TypeOid.Uuid,
    }.ToFrozenSet();

    // Operators of pg_catalog that only compare.
    private static readonly FrozenSet<string> Comparisons = new[] { "=", "<>", "<", "<=", ">", ">=", "~~", "!~~", "~~*", "!~~*" }.ToFrozenSet();

    private static readonly FrozenSet<string> CastTypes = new[]
    {
        "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "varchar", "bpchar", "uuid", "date", "timestamp", "timestamptz", "interval",
    }.ToFrozenSet();

    // INTERVAL_MASK of utils/timestamp.h, for one field each.
    private static readonly FrozenDictionary<int, string> IntervalFields = new Dictionary<int, string>
    {
        [1 << 1] = "month",
        [1 << 2] = "year",
        [1 << 3] = "day",
        [1 << 10] = "hour",
        [1 << 11] = "minute",
        [1 << 12] = "second",
    }.ToFrozenDictionary();

    /// <summary>What the condition says of the table alone, where it is true.</summary>
    /// <returns>Null when that is nothing.</returns>
    public ReadCondition? Write(Expression condition) => Implied(condition) is { Columns: > 0 } written ? ReadCondition.Of(written.Sql) : null;

    // Of an AND whatever can be written says less than the whole; of an OR each side must say something.
    private Written? Implied(Expression condition)
    {
        if (condition is not BooleanExpression { Connective: not Statements.Syntax.Connective.Not } boolean)
            return Condition(condition) is { Columns: > 0 } written ? written : null;
        var parts = new List<Written>();
        foreach (var operand in boolean.Operands)
        {
            if (Implied(operand) is { } part)
                parts.Add(part);
            else if (boolean.Connective == Statements.Syntax.Connective.Or)
                return null;
        }
        if (parts.Count == 0)
            return null;
        var connective = boolean.Connective == Statements.Syntax.Connective.Or ? " OR " : " AND ";
        return new Written(parts.Count == 1 ? parts[0].Sql : $"({string.Join(connective, parts.Select(static part => part.Sql))})", parts.Sum(static part => part.Columns));
    }

    private Written? Condition(Expression? expression) => expression switch
    {
        BooleanExpression boolean => Connective(boolean),
        NullTest { Operand: ColumnReference column } test => Column(column) is { } operand
            ? operand with { Sql = $"({operand.Sql} IS {(test.IsNull ? "" : "NOT ")}NULL)" }
            : null,
        OperatorExpression comparison => Comparison(comparison),
        _ => null,
    };

    private Written? Connective(BooleanExpression boolean)
    {
        var parts = new List<string>();
        var columns = 0;
        foreach (var operand in boolean.Operands)
        {
            if (Condition(operand) is not { } part)
                return null;
            parts.Add(part.Sql);
            columns += part.Columns;
        }
        var sql = boolean.Connective switch
        {
            Statements.Syntax.Connective.Not => $"(NOT {parts[0]})",
            Statements.Syntax.Connective.Or => $"({string.Join(" OR ", parts)})",
            _ => $"({string.Join(" AND ", parts)})",
        };
        return new Written(sql, columns);
    }

    private Written? Comparison(OperatorExpression comparison)
    {
        if (comparison.OperatorNames is not [var name] && comparison.OperatorNames is not ["pg_catalog", _])
            return null;
        name = comparison.OperatorNames[^1];
        if (Operand(comparison.Left) is not { } left)
            return null;
        if (comparison.Form == OperatorForm.In && comparison.Right is ExpressionList list)
            return List(left, name == "=" ? " OR " : " AND ", name, list);
        if (comparison.Form == OperatorForm.Any)
            return name == "=" ? Any(left, comparison.Right) : null;
        if (comparison.Form == OperatorForm.Between && comparison.Right is ExpressionList { Elements: [var low, var high] })
            return Both(Compare(left, ">=", Operand(low)), Compare(left, "<=", Operand(high)));
        return comparison.Form == OperatorForm.Plain || (comparison.Form == OperatorForm.Other && name.Contains('~', StringComparison.Ordinal))
            ? Compare(left, name, Operand(comparison.Right))
            : null;
    }

    private Written? List(Written left, string connective, string name, ExpressionList list)
    {
        // The elements of a list have one type, which tells char(n) from text; each by itself would have its own.
        if (list.Elements.Select(static element => element.GetType()).Distinct().Count() > 1)
            return null;
        var parts = new List<string>();
        foreach (var element in list.Elements)
        {
            if (Compare(left, name, Operand(element)) is not { } part)
                return null;
            parts.Add(part.Sql);
        }
        return new Written($"({string.Join(connective, parts)})", left.Columns);
    }

    private Written? Any(Written left, Expression? array)
    {
        var value = array is TypeCast { Type.IsArray: true } cast
            ? TypeName(cast.Type with { IsArray = false }) is { } type && ArrayOf(cast.Operand) is { } operand ? $"CAST({operand} AS {type}[])" : null
            : array is Constant ? null : ArrayOf(array);
        return value is null ? null : left with { Sql = $"({left.Sql} OPERATOR(pg_catalog.=) ANY ({value}))" };
    }

    // As it was written: what an ARRAY[…] of untyped constants is compared as is not what each of them would be.
    private string? ArrayOf(Expression? expression)
    {
        if (expression is not ArrayExpression { Elements.IsEmpty: false } array)
            return expression is Parameter or Constant { Kind: ConstantKind.Text } ? Constant(expression)?.Sql : null;
        var elements = array.Elements.Select(element => Constant(element)?.Sql).ToList();
        return elements.Contains(null) ? null : $"ARRAY[{string.Join(", ", elements)}]";
    }

    private static Written? Both(Written? first, Written? second) =>
        first is { } a && second is { } b ? new Written($"({a.Sql} AND {b.Sql})", a.Columns + b.Columns) : null;

    // A quoted constant is read as the other side's type, which may be a wider one here than there.
    private Written? Compare(Written left, string name, Written? right) =>
        right is { } value && Comparisons.Contains(name) && !(IsInside && (left.IsUntyped || value.IsUntyped) && (left.IsNumber || value.IsNumber)) ? new Written($"({left.Sql} OPERATOR(pg_catalog.{name}) {value.Sql})", left.Columns + value.Columns) : null;

    private Written? Operand(Expression? expression) => expression switch
    {
        ColumnReference column => Column(column),
        FunctionCall call => Call(call),
        _ => Constant(expression),
    };

    // Inside of a subquery the column could be of another type than the function has there.
    private Written? Call(FunctionCall call)
    {
        if (IsInside || PushedFunctions.NameOf(call, names) is not { } name || PushedFunctions.ValueOf(name, call) is not (>= 0 and var at)
            || Operand(call.Arguments[at]) is not { Columns: > 0 } value || !PushedFunctions.Takes(name, value.Type))
        {
            return null;
        }
        var arguments = new List<string>();
        for (var index = 0; index < call.Arguments.Length; index++)
        {
            if ((index == at ? value : Constant(call.Arguments[index])) is not { } argument || (index != at && !PushedFunctions.MayBeNegative(name) && argument.Sql.Contains('-', StringComparison.Ordinal)))
                return null;
            arguments.Add(argument.Sql);
        }
        var type = PushedFunctions.ResultOf(name);
        // Which function it is depends on the server's version.
        var sql = name == "extract" ? $"EXTRACT({arguments[0]} FROM {value.Sql})" : $"pg_catalog.{Identifiers.QuoteAlways(name)}({string.Join(", ", arguments)})";
        return new Written(sql, value.Columns) { Type = type, IsNumber = Confinement.TypeIds.FamilyOf(type) == Confinement.ValueFamily.Number };
    }

    private Written? Column(ColumnReference reference) => columnOf(reference) is { DeterministicCollation: true } column && (isAlike ? Types : PlainTypes).Contains(column.TypeOid)
        ? new Written($"gathered.{Identifiers.QuoteAlways(column.Name)}", 1) { Type = column.TypeOid, IsNumber = Confinement.TypeIds.FamilyOf(column.TypeOid) == Confinement.ValueFamily.Number }
        : null;

    private Written? Constant(Expression? expression)
    {
        switch (expression)
        {
            case Constant { Kind: ConstantKind.Integer or ConstantKind.Decimal } number:
                return source.SensitiveText(number) is { } digits ? new Written($"({digits})", 0) : null;
            case Constant { Kind: ConstantKind.Text, Text: { } text }:
                return ClockWords.AreIn(text) || text.Contains(ReadCondition.Mark, StringComparison.Ordinal) ? null : new Written(Identifiers.Literal(text), 0) { IsUntyped = true };
            case Parameter parameter:
                return new Written(ReadCondition.Marked(parameter.Number), 0);
            case Constant { Kind: ConstantKind.Boolean, Text: { } value }:
                return new Written(value, 0);
            case TypeCast cast when TypeName(cast.Type) is { } type && Constant(cast.Operand) is { } operand:
                return new Written($"CAST({operand.Sql} AS {type})", 0);
            case OperatorExpression { Form: OperatorForm.Plain, OperatorNames: ["+" or "-"], Left: { } left } sum
                when Constant(left) is { } first && Constant(sum.Right) is { } second:
                return new Written($"({first.Sql} OPERATOR(pg_catalog.{sum.OperatorNames[0]}) {second.Sql})", 0);
            default:
                return null;
        }
    }

    private static string? TypeName(TypeName type)
    {
        var name = type.Names[^1];
        if (type.IsArray || type.IsSet || type.Names.Length > 2 || (type.Names.Length == 2 && type.Names[0] != "pg_catalog") || !CastTypes.Contains(name))
            return null;
        if (!type.HasModifiers)
            return $"pg_catalog.{name}";
        // "interval" with fields has a syntax of its own.
        return name == "interval" && type.Modifiers is [var mask] && IntervalFields.TryGetValue(mask, out var field)
            ? string.Create(CultureInfo.InvariantCulture, $"interval {field}")
            : null;
    }

    /// <param name="Columns">How many columns stand in it.</param>
    private readonly record struct Written(string Sql, int Columns)
    {
        public bool IsNumber { get; init; }

        /// <summary>Of a column or a function's result; 0 for others.</summary>
        public uint Type { get; init; }

        /// <summary>A quoted constant by itself.</summary>
        public bool IsUntyped { get; init; }
    }
}
