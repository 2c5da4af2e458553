using System.Text;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;

namespace ShardProxy.Planning;

internal enum BoundKind
{
    Read,

    /// <summary>The comparison is never true.</summary>
    Null,

    /// <summary>Not known here, or between the values that a key can have: it is left to the shards.</summary>
    Unknown,
}

/// <summary>Reads what a key is compared with, as an image of the key's type.</summary>
internal static class BoundReader
{
    [ThreadStatic]
    private static ByteBuffer? _image;

    [ThreadStatic]
    private static ByteBuffer? _scratch;

    /// <param name="image">Valid until the next call on this thread.</param>
    public static BoundKind TryRead(in KeyTarget target, KeyTerm term, in StatementValues values, out ReadOnlySpan<byte> image)
    {
        var to = _image ??= new ByteBuffer();
        to.Clear();
        var result = KeyHashResult.Unknown;
        switch (term)
        {
            case LiteralTerm literal:
                result = ReadLiteral(target, literal, values, to);
                break;
            case ParameterTerm parameter when values.TryGetParameter(parameter.Number, out var value, out var isNull, out var isBinary, out var type):
                if (isNull)
                {
                    image = default;
                    return BoundKind.Null;
                }
                if (!KeyReader.IsConverted(target, values, value))
                    result = KeyImage.TryReadCast(target, type, parameter.CastTo, isBinary, value, to);
                break;
            case ConstantTerm { Text: { } text } constant:
                result = KeyImage.TryReadParameter(target, constant.CastTo, binary: false, Encoding.UTF8.GetBytes(text), to);
                break;
            case ConstantTerm:
                image = default;
                return BoundKind.Null;
        }
        image = to.Unread;
        return result == KeyHashResult.Hashed ? BoundKind.Read : BoundKind.Unknown;
    }

    private static KeyHashResult ReadLiteral(in KeyTarget target, LiteralTerm term, in StatementValues values, ByteBuffer to)
    {
        var slot = values.Scanner.GetSlot(term.Slot);
        if (slot.LiteralCount != 1)
            return KeyHashResult.Unknown;
        var literal = values.Scanner.GetLiteral(slot.FirstLiteral);
        switch (literal.Kind)
        {
            case LiteralKind.Integer or LiteralKind.BigInteger or LiteralKind.Decimal:
                return KeyImage.TryReadNumericLiteral(target, term.Negated, values.Text.Slice(literal.Start, literal.Length), term.CastTo, to);
            case LiteralKind.OddNumber or LiteralKind.BareWord:
                return KeyHashResult.Unknown;
            default:
                return !term.Negated
                    && LiteralText.TryDecode(values.Text, literal, _scratch ??= new ByteBuffer(), out var text)
                    && !KeyReader.IsConverted(target, values, text)
                    ? KeyImage.TryReadParameter(target, term.CastTo, binary: false, text, to)
                    : KeyHashResult.Unknown;
        }
    }
}
