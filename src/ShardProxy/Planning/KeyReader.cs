using System.Text;
using ShardProxy.Directory;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;

namespace ShardProxy.Planning;

/// <summary>Reads key values where a key set says they stand, and hashes them as the key's type. No allocation for plain literals and parameters.</summary>
internal static class KeyReader
{
    [ThreadStatic]
    private static ByteBuffer? _scratch;

    private static ByteBuffer Scratch => _scratch ??= new ByteBuffer();

    /// <summary>The shards of the value or values. NULL adds none: it equals no key; where it would become one that is noted.</summary>
    public static ShardSet Read(KeyEquals equals, DirectorySnapshot directory, in StatementValues values, ref bool sawNull)
    {
        var target = new KeyTarget(equals.Type.Oid, equals.Type.TypeModifier, equals.Stored ? KeyUse.Store : KeyUse.Compare);
        switch (equals.Term)
        {
            case LiteralTerm literal:
                return ReadLiterals(target, literal, directory, values);
            case ParameterTerm parameter:
                if (values.LacksParameter(parameter.Number))
                    return ShardSet.Invalid;
                if (!values.TryGetParameter(parameter.Number, out var value, out var isNull, out var isBinary, out var type))
                    return ShardSet.Unknown;
                if (isNull)
                    break;
                if (IsConverted(target, values, value))
                    return ShardSet.Unknown;
                return ToShards(KeyHasher.TryHashCast(target, type, parameter.CastTo, isBinary, value, out var hash), hash, directory);
            case ConstantTerm { Text: { } text } constant:
                return ToShards(KeyHasher.TryHashParameter(target, constant.CastTo, binary: false, Encoding.UTF8.GetBytes(text), out hash), hash, directory);
            case ConstantTerm:
                break;
            default:
                return ShardSet.Unknown;
        }
        sawNull |= equals.Stored;
        return ShardSet.Empty;
    }

    /// <summary>As <see cref="Read"/> for each element of an array; a NULL element equals nothing.</summary>
    public static ShardSet ReadArray(KeyInArray inArray, DirectorySnapshot directory, in StatementValues values)
    {
        var target = new KeyTarget(inArray.Type.Oid, inArray.Type.TypeModifier, KeyUse.Compare);
        switch (inArray.Array)
        {
            case LiteralTerm literal:
                var slot = values.Scanner.GetSlot(literal.Slot);
                return slot.LiteralCount == 1 && LiteralText.TryDecode(values.Text, values.Scanner.GetLiteral(slot.FirstLiteral), Scratch, out var text)
                    && !IsConverted(target, values, text)
                    ? ReadElements(target, text, isBinary: false, 0, literal.CastTo, directory)
                    : ShardSet.Unknown;
            case ParameterTerm parameter:
                if (values.LacksParameter(parameter.Number))
                    return ShardSet.Invalid;
                if (!values.TryGetParameter(parameter.Number, out var value, out var isNull, out var isBinary, out var type)
                    || IsConverted(target, values, value))
                {
                    return ShardSet.Unknown;
                }
                return isNull ? ShardSet.Empty : ReadElements(target, value, isBinary, type, parameter.CastTo, directory);
            case ConstantTerm { Text: { } constant, CastTo: var castTo }:
                return ReadElements(target, Encoding.UTF8.GetBytes(constant), isBinary: false, 0, castTo, directory);
            case ConstantTerm:
                return ShardSet.Empty;
            default:
                return ShardSet.Unknown;
        }
    }

    private static ShardSet ReadLiterals(in KeyTarget target, LiteralTerm term, DirectorySnapshot directory, in StatementValues values)
    {
        var slot = values.Scanner.GetSlot(term.Slot);
        var shards = ReadLiteral(target, term, slot.FirstLiteral, directory, values);
        for (var i = 1; i < slot.LiteralCount; i++)
            shards = shards.Union(ReadLiteral(target, term, slot.FirstLiteral + i, directory, values));
        return shards;
    }

    private static ShardSet ReadLiteral(in KeyTarget target, LiteralTerm term, int literal, DirectorySnapshot directory, in StatementValues values) =>
        ToShards(HashLiteral(target, term, values.Scanner.GetLiteral(literal), values, out var hash), hash, directory);

    private static KeyHashResult HashLiteral(in KeyTarget target, LiteralTerm term, Literal literal, in StatementValues values, out ulong hash)
    {
        hash = 0;
        switch (literal.Kind)
        {
            case LiteralKind.Integer or LiteralKind.BigInteger or LiteralKind.Decimal:
                return KeyHasher.TryHashNumericLiteral(target, term.Negated, values.Text.Slice(literal.Start, literal.Length), term.CastTo, out hash);
            case LiteralKind.OddNumber or LiteralKind.BareWord:
                return KeyHashResult.Unknown;
            default:
                return !term.Negated && LiteralText.TryDecode(values.Text, literal, Scratch, out var text) && !IsConverted(target, values, text)
                    ? KeyHasher.TryHashParameter(target, term.CastTo, binary: false, text, out hash)
                    : KeyHashResult.Unknown;
        }
    }

    private static ShardSet ReadElements(in KeyTarget target, ReadOnlySpan<byte> value, bool isBinary, uint arrayType, uint castTo, DirectorySnapshot directory)
    {
        if (ArrayTypes.ElementOf(arrayType) is not { } declared || ArrayTypes.ElementOf(castTo) is not { } castElement)
            return ShardSet.Unknown;
        if (!KeyArray.TryRead(isBinary, value, out var array))
            return ShardSet.Invalid;
        var type = isBinary ? array.ElementType : declared;
        ShardSet? shards = null;
        while (array.TryNext(out var element, out var isNull))
        {
            if (isNull)
                continue;
            var one = ToShards(KeyHasher.TryHashCast(target, type, castElement, isBinary, element, out var hash), hash, directory);
            shards = shards?.Union(one) ?? one;
        }
        array.Dispose();
        return shards ?? ShardSet.Empty;
    }

    private static bool IsConverted(in KeyTarget target, in StatementValues values, ReadOnlySpan<byte> text) =>
        values.IsConverted && target.Type is (TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar) && !Ascii.IsValid(text);

    private static ShardSet ToShards(KeyHashResult result, ulong hash, DirectorySnapshot directory) => result switch
    {
        KeyHashResult.Hashed => ShardSet.Of(directory.ShardOfBucket(directory.BucketOf(hash))),
        KeyHashResult.NeverEqual => ShardSet.Empty,
        KeyHashResult.Invalid => ShardSet.Invalid,
        _ => ShardSet.Unknown,
    };
}
