using System.Text;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;

namespace ShardProxy.Planning;

/// <summary>Reads key values where a key set says they stand, and finds their shards. No allocation for plain literals and parameters.</summary>
internal static class KeyReader
{
    [ThreadStatic]
    private static ByteBuffer? _scratch;

    private static ByteBuffer Scratch => _scratch ??= new ByteBuffer();

    /// <summary>The shards of the value or values. NULL adds none: it equals no key; where it would become one, or where no range or list takes a new key, that is the trouble.</summary>
    public static ShardSet Read(KeyEquals equals, DirectorySnapshot directory, in StatementValues values, ref RefusedPlan? trouble)
    {
        var locator = new KeyLocator(equals.Type, equals.Stored ? KeyUse.Store : KeyUse.Compare, directory, values.Places, values.Zones, values.StoresZones);
        switch (equals.Term)
        {
            case LiteralTerm literal:
                return ReadLiterals(locator, literal, values, ref trouble);
            case ParameterTerm parameter:
                if (values.LacksParameter(parameter.Number))
                    return ShardSet.Invalid;
                if (!values.TryGetParameter(parameter.Number, out var value, out var isNull, out var isBinary, out var type))
                    return ShardSet.Unknown;
                if (isNull)
                    break;
                if (IsConverted(locator, values, value))
                    return ShardSet.Unknown;
                return locator.OfCast(type, parameter.CastTo, isBinary, value, ref trouble);
            case ConstantTerm { Text: { } text } constant:
                return locator.OfParameter(constant.CastTo, binary: false, Encoding.UTF8.GetBytes(text), ref trouble);
            case ConstantTerm:
                break;
            default:
                return ShardSet.Unknown;
        }
        if (equals.Stored)
            trouble ??= equals.Type.Placement is ZonePlacement ? Refusals.NullZone : Refusals.NullKey;
        return ShardSet.Empty;
    }

    /// <summary>As <see cref="Read"/> for each element of an array; a NULL element equals nothing.</summary>
    public static ShardSet ReadArray(KeyInArray inArray, DirectorySnapshot directory, in StatementValues values)
    {
        var locator = new KeyLocator(inArray.Type, KeyUse.Compare, directory, values.Places, values.Zones, values.StoresZones);
        switch (inArray.Array)
        {
            case LiteralTerm literal:
                var slot = values.Scanner.GetSlot(literal.Slot);
                return slot.LiteralCount == 1 && LiteralText.TryDecode(values.Text, values.Scanner.GetLiteral(slot.FirstLiteral), Scratch, out var text)
                    && !IsConverted(locator, values, text)
                    ? ReadElements(locator, text, isBinary: false, 0, literal.CastTo)
                    : ShardSet.Unknown;
            case ParameterTerm parameter:
                if (values.LacksParameter(parameter.Number))
                    return ShardSet.Invalid;
                if (!values.TryGetParameter(parameter.Number, out var value, out var isNull, out var isBinary, out var type)
                    || IsConverted(locator, values, value))
                {
                    return ShardSet.Unknown;
                }
                return isNull ? ShardSet.Empty : ReadElements(locator, value, isBinary, type, parameter.CastTo);
            case ConstantTerm { Text: { } constant, CastTo: var castTo }:
                return ReadElements(locator, Encoding.UTF8.GetBytes(constant), isBinary: false, 0, castTo);
            case ConstantTerm:
                return ShardSet.Empty;
            default:
                return ShardSet.Unknown;
        }
    }

    /// <summary>The shards of the ranges that comparisons leave; a bound that cannot be read here bounds nothing.</summary>
    public static ShardSet ReadRange(KeyRange range, DirectorySnapshot directory, in StatementValues values)
    {
        var placement = (RangePlacement)range.Type.Placement!;
        var locator = new KeyLocator(range.Type, KeyUse.Compare, directory, values.Places, values.Zones, values.StoresZones);
        var first = 0;
        var last = placement.Count - 1;
        foreach (var bound in range.Bounds)
        {
            switch (BoundReader.TryRead(locator.Target, bound.Term, values, out var image))
            {
                case BoundKind.Null:
                    return ShardSet.Empty;
                case BoundKind.Unknown:
                    continue;
            }
            if (bound.Comparison is KeyComparison.Less or KeyComparison.LessOrEqual)
                last = Math.Min(last, placement.LastBelow(image, bound.Comparison == KeyComparison.LessOrEqual));
            else
                first = Math.Max(first, placement.FirstAbove(image));
        }
        var shards = ShardSet.Empty;
        for (var position = first; position <= last; position++)
            shards = shards.Union(locator.OwnersOf(placement.BucketAt(position)));
        return shards;
    }

    internal static bool IsConverted(in KeyTarget target, in StatementValues values, ReadOnlySpan<byte> text) =>
        values.IsConverted && target.Type is (TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar) && !Ascii.IsValid(text);

    private static ShardSet ReadLiterals(in KeyLocator locator, LiteralTerm term, in StatementValues values, ref RefusedPlan? trouble)
    {
        var slot = values.Scanner.GetSlot(term.Slot);
        var shards = ReadLiteral(locator, term, slot.FirstLiteral, values, ref trouble);
        for (var i = 1; i < slot.LiteralCount; i++)
            shards = shards.Union(ReadLiteral(locator, term, slot.FirstLiteral + i, values, ref trouble));
        return shards;
    }

    private static ShardSet ReadLiteral(in KeyLocator locator, LiteralTerm term, int index, in StatementValues values, ref RefusedPlan? trouble)
    {
        var literal = values.Scanner.GetLiteral(index);
        switch (literal.Kind)
        {
            case LiteralKind.Integer or LiteralKind.BigInteger or LiteralKind.Decimal:
                return locator.OfNumericLiteral(term.Negated, values.Text.Slice(literal.Start, literal.Length), term.CastTo, ref trouble);
            case LiteralKind.OddNumber or LiteralKind.BareWord:
                return ShardSet.Unknown;
            default:
                return !term.Negated && LiteralText.TryDecode(values.Text, literal, Scratch, out var text) && !IsConverted(locator, values, text)
                    ? locator.OfParameter(term.CastTo, binary: false, text, ref trouble)
                    : ShardSet.Unknown;
        }
    }

    private static ShardSet ReadElements(in KeyLocator locator, ReadOnlySpan<byte> value, bool isBinary, uint arrayType, uint castTo)
    {
        if (ArrayTypes.ElementOf(arrayType) is not { } declared || ArrayTypes.ElementOf(castTo) is not { } castElement)
            return ShardSet.Unknown;
        if (!KeyArray.TryRead(isBinary, value, out var array))
            return ShardSet.Invalid;
        var type = isBinary ? array.ElementType : declared;
        ShardSet? shards = null;
        RefusedPlan? none = null;
        while (array.TryNext(out var element, out var isNull))
        {
            if (isNull)
                continue;
            var one = locator.OfCast(type, castElement, isBinary, element, ref none);
            shards = shards?.Union(one) ?? one;
        }
        array.Dispose();
        return shards ?? ShardSet.Empty;
    }

    private static bool IsConverted(in KeyLocator locator, in StatementValues values, ReadOnlySpan<byte> text) =>
        values.IsConverted && IsConverted(locator.Target, values, text);
}
