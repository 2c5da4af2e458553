using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;

namespace ShardProxy.Planning;

/// <summary>
/// Looks for <see cref="ClockWords"/> among the values of one execution. A plan that lets several servers read the values
/// asks here each time, because a template was made for other literals.
/// </summary>
public static class ClockValues
{
    /// <summary>Whether a literal of the text, or a parameter that can be text, has such a word.</summary>
    public static bool AreIn(in StatementValues values) => AreInLiterals(values.Text, values.Scanner) || AreInParameters(values);

    /// <param name="scanned">Has read <paramref name="sql"/>.</param>
    public static bool AreInLiterals(ReadOnlySpan<byte> sql, ShapeScanner scanned)
    {
        ByteBuffer? scratch = null;
        for (var index = 0; index < scanned.LiteralCount; index++)
        {
            var literal = scanned.GetLiteral(index);
            if (!IsText(literal.Kind))
                continue;
            scratch ??= new ByteBuffer();
            // What cannot be decoded here could be anything.
            if (!LiteralText.TryDecode(sql, literal, scratch, out var value) || ClockWords.AreIn(value))
                return true;
        }
        return false;
    }

    private static bool AreInParameters(in StatementValues values)
    {
        for (var number = 1; number <= values.ParameterCount; number++)
        {
            if (values.TryGetParameter(number, out var value, out var isNull, out var isBinary, out var type)
                && !isNull && !(isBinary && IsFixed(type)) && ClockWords.AreIn(value))
            {
                return true;
            }
        }
        return false;
    }

    private static bool IsText(LiteralKind kind) =>
        kind is LiteralKind.String or LiteralKind.QuotedString or LiteralKind.EscapedString or LiteralKind.DollarString or LiteralKind.UnicodeString;

    // Binary values of these hold no words, only bytes that could look like some.
    private static bool IsFixed(uint type) => type is TypeOid.Bool or TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 or TypeOid.Float4 or TypeOid.Float8
        or TypeOid.Numeric or TypeOid.Uuid or TypeOid.Date or TypeOid.Time or TypeOid.TimeTz or TypeOid.Timestamp or TypeOid.Timestamptz or TypeOid.Interval;
}
