using System.Collections.Immutable;

namespace ShardProxy.Statements.Syntax;

/// <summary>A value or condition of a query, read as far as planning needs it.</summary>
/// <param name="Location">Byte offset in the text; -1 when unknown.</param>
public abstract record Expression(int Location);

/// <summary>a, t.a, s.t.a, t.* (with <paramref name="IsStar"/>).</summary>
public sealed record ColumnReference(ImmutableArray<string> Names, bool IsStar, int Location) : Expression(Location);

public enum ConstantKind
{
    Null,
    Boolean,
    Integer,
    Decimal,
    Text,
    Bits,
}

/// <param name="Text">
/// The value of a text, "true" or "false" of a boolean; null for NULL. For numbers the library's rendering, which
/// loses the sign of a negative integer: read those in the source text.
/// </param>
public sealed record Constant(ConstantKind Kind, string? Text, int Location) : Expression(Location);

/// <summary>$n.</summary>
public sealed record Parameter(int Number, int Location) : Expression(Location);

public sealed record TypeCast(Expression Operand, TypeName Type, int Location) : Expression(Location);

/// <param name="Names">Qualified name in parts; the grammar writes pg_catalog before the standard's own types.</param>
/// <param name="HasModifiers">varchar(3), numeric(10,2).</param>
public sealed record TypeName(ImmutableArray<string> Names, bool HasModifiers, bool IsArray, bool IsSet)
{
    /// <summary>The modifiers that are plain integers; for an interval's fields PostgreSQL's mask of them.</summary>
    public ImmutableArray<int> Modifiers { get; init; } = [];
}

public enum OperatorForm
{
    /// <summary>left op right; left is null for a prefix operator.</summary>
    Plain,

    /// <summary>left op ANY (array).</summary>
    Any,

    /// <summary>left op ALL (array).</summary>
    All,

    /// <summary>left IN (list): operator =; NOT IN: operator &lt;&gt;. The right side is an <see cref="ExpressionList"/>.</summary>
    In,

    Distinct,
    NotDistinct,

    /// <summary>left BETWEEN a AND b: the right side is an <see cref="ExpressionList"/> of the two.</summary>
    Between,

    /// <summary>LIKE, NOT BETWEEN, NULLIF …</summary>
    Other,
}

/// <param name="OperatorNames">Qualified name in parts: one part when not written OPERATOR(schema.op).</param>
public sealed record OperatorExpression(OperatorForm Form, ImmutableArray<string> OperatorNames, Expression? Left, Expression? Right, int Location) : Expression(Location);

public enum Connective
{
    And,
    Or,
    Not,
}

public sealed record BooleanExpression(Connective Connective, ImmutableArray<Expression> Operands, int Location) : Expression(Location);

/// <summary>IS [NOT] NULL.</summary>
public sealed record NullTest(Expression Operand, bool IsNull, int Location) : Expression(Location);

/// <param name="Test">PostgreSQL's name: IS_TRUE, IS_NOT_TRUE, IS_FALSE, IS_NOT_FALSE, IS_UNKNOWN, IS_NOT_UNKNOWN.</param>
public sealed record BooleanTest(Expression Operand, string Test, int Location) : Expression(Location);

/// <param name="Inner">Arguments, FILTER, ORDER BY and window of the call.</param>
/// <param name="Window">Null when the call has no OVER.</param>
public sealed record FunctionCall(
    ImmutableArray<string> Names,
    ImmutableArray<Expression> Arguments,
    ImmutableArray<Expression> Inner,
    WindowDefinition? Window,
    int Location) : Expression(Location)
{
    /// <summary>f(DISTINCT …).</summary>
    public bool IsDistinct { get; init; }

    /// <summary>f(*).</summary>
    public bool IsStar { get; init; }

    /// <summary>f(VARIADIC …).</summary>
    public bool IsVariadic { get; init; }

    /// <summary>f(… ORDER BY …), or WITHIN GROUP.</summary>
    public bool IsOrdered { get; init; }

    /// <summary>FILTER (WHERE …).</summary>
    public bool IsFiltered { get; init; }
}

/// <param name="Name">Of the window it is or builds on; null when it stands alone.</param>
public sealed record WindowDefinition(string? Name, string? BasedOn, ImmutableArray<Expression> Partition, ImmutableArray<Expression> Others);

public enum SubqueryForm
{
    Exists,

    /// <summary>test op ANY (query), which IN is with the operator =.</summary>
    Any,
    All,

    /// <summary>A scalar, or a row compared with one.</summary>
    Scalar,
    Array,
    Other,
}

/// <param name="OperatorNames">Empty for IN and for forms without a comparison.</param>
public sealed record SubqueryExpression(SubqueryForm Form, Expression? Test, ImmutableArray<string> OperatorNames, Query Query, int Location) : Expression(Location);

/// <summary>(a, b) or ROW(a, b).</summary>
public sealed record RowExpression(ImmutableArray<Expression> Elements, int Location) : Expression(Location);

/// <summary>ARRAY[a, b].</summary>
public sealed record ArrayExpression(ImmutableArray<Expression> Elements, int Location) : Expression(Location);

/// <summary>The right side of IN.</summary>
public sealed record ExpressionList(ImmutableArray<Expression> Elements) : Expression(-1);

/// <summary>DEFAULT in VALUES or SET.</summary>
public sealed record DefaultValue(int Location) : Expression(Location);

/// <summary>name => value in a function's arguments.</summary>
public sealed record NamedArgument(string Name, Expression Value, int Location) : Expression(Location);

/// <summary>WHERE CURRENT OF a cursor.</summary>
public sealed record CurrentOfCursor(string Name) : Expression(-1);

/// <summary>
/// Any other expression: what it holds is kept, what it does is not. Its queries are <paramref name="Operands"/> too,
/// as <see cref="SubqueryExpression"/>s.
/// </summary>
/// <param name="Kind">PostgreSQL's node name.</param>
/// <param name="ColumnName">The name that PostgreSQL would give an output column; null when that is not known.</param>
public sealed record OtherExpression(string Kind, string? ColumnName, ImmutableArray<Expression> Operands, int Location) : Expression(Location);
