using System.Buffers.Binary;
using ShardProxy.Catalog;

namespace ShardProxy.Execution;

/// <summary>
/// Object ids of users' types and tables differ from shard to shard; clients know the home shard's. Descriptions are
/// patched in place: an object id is four bytes on every shard.
/// </summary>
public static class ObjectIdTranslation
{
    /// <summary>Body of a RowDescription: int16 count, then per field a NUL-terminated name, int32 table, int16 column, int32 type, int16 size, int32 modifier, int16 format.</summary>
    public static void RowDescriptionToHome(Span<byte> body, ObjectIdMap objectIds)
    {
        if (body.Length < 2)
            return;
        var count = BinaryPrimitives.ReadInt16BigEndian(body);
        var rest = body[2..];
        for (var field = 0; field < count; field++)
        {
            var nameEnd = rest.IndexOf((byte)0);
            if (nameEnd < 0 || rest.Length < nameEnd + 19)
                return;
            rest = rest[(nameEnd + 1)..];
            Patch(rest[..4], objectIds);
            Patch(rest[6..10], objectIds);
            rest = rest[18..];
        }
    }

    /// <summary>Columns up to the last one that is in the binary format and holds object ids inside; 0 when none does.</summary>
    public static int CountNestedColumns(ReadOnlySpan<byte> body, ObjectIdMap objectIds)
    {
        var last = 0;
        var rest = body.Length < 2 ? body : body[2..];
        for (var field = 1; TryReadField(ref rest, out var type, out var format); field++)
        {
            if (format == 1 && objectIds.Structures.Find(type).Form != TypeForm.Plain)
                last = field;
        }
        return last;
    }

    /// <summary>The shard's type of each such column, 0 for the others.</summary>
    public static void ReadNestedColumns(ReadOnlySpan<byte> body, ObjectIdMap objectIds, Span<uint> types)
    {
        var rest = body[2..];
        for (var field = 0; field < types.Length && TryReadField(ref rest, out var type, out var format); field++)
            types[field] = format == 1 && objectIds.Structures.Find(type).Form != TypeForm.Plain ? type : 0;
    }

    private static bool TryReadField(ref ReadOnlySpan<byte> rest, out uint type, out short format)
    {
        type = 0;
        format = 0;
        var nameEnd = rest.IndexOf((byte)0);
        if (nameEnd < 0 || rest.Length < nameEnd + 19)
            return false;
        rest = rest[(nameEnd + 1)..];
        type = BinaryPrimitives.ReadUInt32BigEndian(rest[6..]);
        format = BinaryPrimitives.ReadInt16BigEndian(rest[16..]);
        rest = rest[18..];
        return true;
    }

    /// <summary>Body of a ParameterDescription: int16 count, then an int32 type each.</summary>
    public static void ParameterDescriptionToHome(Span<byte> body, ObjectIdMap objectIds)
    {
        if (body.Length < 2)
            return;
        for (var rest = body[2..]; rest.Length >= 4; rest = rest[4..])
            Patch(rest[..4], objectIds);
    }

    private static void Patch(Span<byte> bytes, ObjectIdMap objectIds)
    {
        var oid = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        if (oid >= ObjectIdMap.FirstUserObjectId)
            BinaryPrimitives.WriteUInt32BigEndian(bytes, objectIds.ToHome(oid));
    }
}
