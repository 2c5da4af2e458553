using System.Collections.Frozen;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// Functions of PostgreSQL's own that a shard may compute of a row before the home shard does: immutable, without a result that depends on
/// more than the value and its collation, and without an error for any value, since a row that is left out for another reason must not fail.
/// </summary>
internal static class PushedFunctions
{
    // Of a text; what stands behind it are constants.
    private static readonly FrozenSet<string> OfText = new[]
    {
        "lower", "upper", "length", "char_length", "character_length", "btrim", "ltrim", "rtrim", "replace", "substring", "substr", "left", "right", "reverse", "md5", "strpos", "position",
    }.ToFrozenSet();

    // Those that dates have, too.
    private static readonly FrozenSet<string> Units = new[] { "year", "month", "day", "quarter", "dow", "doy", "week", "isoyear", "isodow", "decade", "century" }.ToFrozenSet();

    /// <summary>The function's bare name; null for one that is not among them, or may be a user's.</summary>
    public static string? NameOf(FunctionCall call, Names names)
    {
        var name = call.Names[^1];
        return call is { IsDistinct: false, IsStar: false, IsVariadic: false, Window: null, Inner.IsEmpty: true, Arguments.IsEmpty: false }
            && (call.Names.Length == 1 || (call.Names.Length == 2 && call.Names[0] == "pg_catalog"))
            && (name == "extract" || OfText.Contains(name))
            && names.FindFunction([name]) is null
                ? name
                : null;
    }

    /// <summary>Which argument is the value that is computed from; -1 when the others are none that cannot fail.</summary>
    public static int ValueOf(string name, FunctionCall call)
    {
        if (name == "extract")
            return call.Arguments is [Constant { Kind: ConstantKind.Text, Text: { } unit }, _] && Units.Contains(unit) ? 1 : -1;
        // As a text the second would be a pattern, and a wrong one fails.
        var takesNumbers = name is "substring" or "substr" or "left" or "right";
        return call.Arguments.Skip(1).All(argument => argument is Constant constant && constant.Kind == (takesNumbers ? ConstantKind.Integer : ConstantKind.Text)) ? 0 : -1;
    }

    /// <summary>Whether the function takes values of the type.</summary>
    /// <param name="type">Of a column; that of text for what a function gives.</param>
    public static bool Takes(string name, uint type) =>
        name == "extract" ? type is TypeOid.Date or TypeOid.Timestamp : type is TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar;

    /// <summary>substring() fails for a negative length.</summary>
    public static bool MayBeNegative(string name) => name is not ("substring" or "substr");

    public static uint ResultOf(string name) => name switch
    {
        "extract" => TypeOid.Numeric,
        "length" or "char_length" or "character_length" or "strpos" or "position" => TypeOid.Int4,
        _ => TypeOid.Text,
    };
}
