using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Confinement;

/// <summary>Reads the sides of comparisons: columns, and values that the text or its parameters give.</summary>
internal sealed class OperandReader(Names names, Func<SubqueryExpression, Place, bool, ColumnList> subqueryColumns)
{
    /// <summary>The column that an expression shows unchanged; null when it shows none or its type compares inexactly.</summary>
    public ColumnVariable? ColumnOf(Expression expression, Place place)
    {
        var variable = expression switch
        {
            ColumnReference column => place.Columns.Resolve(column).Variable,
            TypeCast cast => ColumnOf(cast, place),
            SubqueryExpression { Form: SubqueryForm.Scalar } scalar => subqueryColumns(scalar, place, false).At(0),
            _ => null,
        };
        return variable is { Family: ValueFamily.Other } ? null : variable;
    }

    public Operand? ValueOf(Expression expression, Place place) => expression switch
    {
        Constant constant => ValueOf(constant, 0, place),
        Parameter parameter => new Operand(new ParameterTerm(parameter.Number, 0), null, false, 0),
        TypeCast cast => ValueOf(cast, place),
        _ => null,
    };

    /// <summary>The operand of = ANY (…): one array, or the elements of ARRAY[…]; null when it is anything else.</summary>
    public List<Operand>? ElementsOf(Expression array, Place place)
    {
        if (array is TypeCast { Type.IsArray: true, Operand: ArrayExpression inner } cast)
        {
            var elementType = cast.Type with { IsArray = false };
            return Values(inner.Elements.Select(element => (Expression)new TypeCast(element, elementType, cast.Location)), place);
        }
        if (array is ArrayExpression list)
            return Values(list.Elements, place);
        if (ValueOf(array, place) is not { } value)
            return null;
        // A parameter or quoted literal without a cast takes the type array of the key.
        return value.IsArray || (value.Family is null && array is not TypeCast) ? [value with { IsArray = true }] : null;
    }

    public List<Operand>? Values(IEnumerable<Expression> expressions, Place place)
    {
        var values = new List<Operand>();
        foreach (var expression in expressions)
        {
            if (ValueOf(expression, place) is not { IsArray: false } value)
                return null;
            // The literals of a folded list share their slot, and so their term.
            if (!values.Contains(value))
                values.Add(value);
        }
        // A list has one type: beside a numeric a quoted literal is read as one.
        if (values.Exists(static value => value.NaturalType == TypeIds.Numeric))
            values = values.ConvertAll(static value => As(value, TypeIds.Numeric));
        return values;
    }

    /// <summary>A value without a type of its own is read as the type of what it is compared with, which need not be the key's.</summary>
    public static Operand As(Operand value, uint type)
    {
        if (value.NaturalType != 0 || value.Family is not null)
            return value;
        var castTo = value.IsArray ? TypeIds.ArrayOf(type) : type;
        KeyTerm? term = value.Term switch
        {
            LiteralTerm { CastTo: 0 } literal => literal with { CastTo = castTo },
            ParameterTerm { CastTo: 0 } parameter => parameter with { CastTo = castTo },
            ConstantTerm { CastTo: 0 } constant => constant with { CastTo = castTo },
            _ => null,
        };
        return term is null ? value : new Operand(term, TypeIds.FamilyOf(type), value.IsArray, type);
    }

    private ColumnVariable? ColumnOf(TypeCast cast, Place place)
    {
        if (cast.Type.IsArray || cast.Operand is not (ColumnReference or TypeCast) || ColumnOf(cast.Operand, place) is not { } variable)
            return null;
        var type = TypeIds.ByName(cast.Type, names.SystemFirst);
        var unchanged = type == variable.TypeOid
            || (variable.Family == ValueFamily.Text && TypeIds.FamilyOf(type) == ValueFamily.Text)
            || (TypeIds.IsInteger(variable.TypeOid) && TypeIds.FamilyOf(type) == ValueFamily.Number);
        return type != 0 && unchanged ? variable : null;
    }

    private Operand? ValueOf(TypeCast cast, Place place)
    {
        var type = TypeIds.ByName(cast.Type, names.SystemFirst);
        if (type == 0)
            return null;
        var castTo = cast.Type.IsArray ? TypeIds.ArrayOf(type) : type;
        Operand? value = cast.Operand switch
        {
            Parameter parameter => new Operand(new ParameterTerm(parameter.Number, castTo), null, false, 0),
            Constant constant when Keeps(constant, type, cast.Type.IsArray) => ValueOf(constant, castTo, place),
            _ => null,
        };
        return value is { } known ? new Operand(known.Term, TypeIds.FamilyOf(type), cast.Type.IsArray, type) : null;
    }

    /// <summary>The cast reads the literal as the type or widens it, and rounds nothing.</summary>
    private static bool Keeps(Constant constant, uint type, bool isArray) => constant.Kind switch
    {
        ConstantKind.Null or ConstantKind.Text => true,
        ConstantKind.Integer => !isArray && TypeIds.FamilyOf(type) == ValueFamily.Number,
        ConstantKind.Decimal => !isArray && (type == TypeIds.Numeric || (type == TypeIds.Int8 && IsWhole(constant))),
        ConstantKind.Boolean => !isArray && type == TypeIds.Bool,
        _ => false,
    };

    private static Operand? ValueOf(Constant constant, uint castTo, Place place)
    {
        if (place.Source.TermOf(constant, castTo) is not { } term)
            return null;
        return constant.Kind switch
        {
            ConstantKind.Null or ConstantKind.Text => new Operand(term, null, false, 0),
            ConstantKind.Boolean => new Operand(term, ValueFamily.Boolean, false, TypeIds.Bool),
            ConstantKind.Integer => new Operand(term, ValueFamily.Number, false, TypeIds.Int4),
            ConstantKind.Decimal => new Operand(term, ValueFamily.Number, false, IsWhole(constant) ? TypeIds.Int8 : TypeIds.Numeric),
            _ => null,
        };
    }

    /// <summary>Digits only, and few enough for an int8: its literal kind, which is part of the shape, says the same.</summary>
    private static bool IsWhole(Constant constant) => long.TryParse(
        constant.Text,
        System.Globalization.NumberStyles.AllowLeadingSign,
        System.Globalization.CultureInfo.InvariantCulture,
        out _);
}
