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
