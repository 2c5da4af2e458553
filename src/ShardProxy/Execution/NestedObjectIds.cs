using System.Buffers.Binary;
using ShardProxy.Catalog;

namespace ShardProxy.Execution;

/// <summary>
/// Patches the object ids inside binary values: an array's header names its element type, a composite names the type of
/// each field (PostgreSQL's arrayfuncs.c, rowtypes.c, rangetypes.c, multirangetypes.c: the send functions). Lengths stay.
/// What is not built as it should be is left alone from there on, for the server or the client to reject.
/// </summary>
public static class NestedObjectIds
{
    // Types nest no deeper; a value made to exhaust the stack stops here.
    private const int MaxDepth = 64;

    private const byte RangeEmpty = 0x01;
    private const byte LowerInfinite = 0x08;
    private const byte UpperInfinite = 0x10;
    private const byte LowerNull = 0x20;
    private const byte UpperNull = 0x40;

    /// <param name="type">The value's type on the shard.</param>
    public static void ToHome(Span<byte> value, uint type, ObjectIdMap objectIds) => Walk(value, type, objectIds, toHome: true, MaxDepth);

    /// <inheritdoc cref="ToHome"/>
    public static void FromHome(Span<byte> value, uint type, ObjectIdMap objectIds) => Walk(value, type, objectIds, toHome: false, MaxDepth);

    /// <summary>A shard's row for the client.</summary>
    /// <param name="body">Of a DataRow: int16 count, then per column an int32 length (-1 is null) and the value.</param>
    /// <param name="types">By column, the type on the shard; 0 for a column that holds no object ids.</param>
    public static void RowToHome(Span<byte> body, ReadOnlySpan<uint> types, ObjectIdMap objectIds)
    {
        if (body.Length < sizeof(short))
            return;
        var rest = body[sizeof(short)..];
        foreach (var type in types)
        {
            if (!TryTake(ref rest, out var value))
                return;
            if (type != 0)
                ToHome(value, type, objectIds);
        }
    }

    private static void Walk(Span<byte> value, uint type, ObjectIdMap objectIds, bool toHome, int depth)
    {
        if (depth == 0)
            return;
        var structure = objectIds.Structures.Find(type);
        switch (structure.Form)
        {
            case TypeForm.Array:
                WalkArray(value, objectIds, toHome, depth - 1);
                break;
            case TypeForm.Composite:
                WalkComposite(value, objectIds, toHome, depth - 1);
                break;
            case TypeForm.Range:
                WalkRange(value, structure.Inner, objectIds, toHome, depth - 1);
                break;
            case TypeForm.Multirange:
                WalkMultirange(value, structure.Inner, objectIds, toHome, depth - 1);
                break;
        }
    }

    // int32 dimensions, int32 has nulls, int32 element type; per dimension int32 size and int32 lower bound; the elements.
    private static void WalkArray(Span<byte> value, ObjectIdMap objectIds, bool toHome, int depth)
    {
        if (value.Length < 12)
            return;
        var dimensions = BinaryPrimitives.ReadInt32BigEndian(value);
        var element = Patch(value[8..], objectIds, toHome);
        if (dimensions < 0 || dimensions > (value.Length - 12) / 8 || objectIds.Structures.Find(element).Form == TypeForm.Plain)
            return;
        var rest = value[(12 + (8 * dimensions))..];
        while (TryTake(ref rest, out var item))
            Walk(item, element, objectIds, toHome, depth);
    }

    // int32 count; per field int32 type and the value.
    private static void WalkComposite(Span<byte> value, ObjectIdMap objectIds, bool toHome, int depth)
    {
        if (value.Length < sizeof(int))
            return;
        var rest = value[sizeof(int)..];
        while (rest.Length >= 8)
        {
            var type = Patch(rest, objectIds, toHome);
            rest = rest[sizeof(uint)..];
            if (!TryTake(ref rest, out var field))
                return;
            Walk(field, type, objectIds, toHome, depth);
        }
    }

    // A byte of flags; the bounds that there are.
    private static void WalkRange(Span<byte> value, uint bound, ObjectIdMap objectIds, bool toHome, int depth)
    {
        if (value.IsEmpty || (value[0] & RangeEmpty) != 0)
            return;
        var flags = value[0];
        var rest = value[1..];
        if ((flags & (LowerInfinite | LowerNull)) == 0 && TryTake(ref rest, out var lower))
            Walk(lower, bound, objectIds, toHome, depth);
        if ((flags & (UpperInfinite | UpperNull)) == 0 && TryTake(ref rest, out var upper))
            Walk(upper, bound, objectIds, toHome, depth);
    }

    // int32 count; the ranges.
    private static void WalkMultirange(Span<byte> value, uint range, ObjectIdMap objectIds, bool toHome, int depth)
    {
        if (value.Length < sizeof(int))
            return;
        var rest = value[sizeof(int)..];
        while (TryTake(ref rest, out var item))
            Walk(item, range, objectIds, toHome, depth);
    }

    /// <returns>The type's id on the shard.</returns>
    private static uint Patch(Span<byte> bytes, ObjectIdMap objectIds, bool toHome)
    {
        var oid = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (oid < ObjectIdMap.FirstUserObjectId)
            return oid;
        var other = toHome ? objectIds.ToHome(oid) : objectIds.FromHome(oid);
        BinaryPrimitives.WriteUInt32BigEndian(bytes, other);
        return toHome ? oid : other;
    }

    // An int32 length, -1 for null, and the value.
    private static bool TryTake(ref Span<byte> rest, out Span<byte> value)
    {
        value = default;
        if (rest.Length < sizeof(int))
            return false;
        var length = BinaryPrimitives.ReadInt32BigEndian(rest);
        rest = rest[sizeof(int)..];
        if (length < 0)
            return true;
        if (length > rest.Length)
            return false;
        value = rest[..length];
        rest = rest[length..];
        return true;
    }
}
