using ShardProxy.Planning.Gathering;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>In which format the rows of a read travel from shard to shard.</summary>
internal static class GatherFormats
{
    // Some types have no binary form, and binary values of some users' types hold object ids, which are other ones on another shard.
    /// <param name="encoding">Not null where text must not pass through the client's encoding, which only the text format can be told.</param>
    public static bool IsBinary(Session session, GatherRead read, string? encoding)
    {
        // What a subquery computes is of types that only a server knows.
        if (encoding is not null || read.Pushed is not null)
            return false;
        var relation = session.Planning().Routing.Catalog.FindRelation(read.Table);
        if (read.Columns.Any(name => relation?.FindColumn(name) is not { HasBinaryForm: true }))
            return false;
        for (var shard = 1; shard < session.Database.ShardCount; shard++)
        {
            var objectIds = session.ObjectIds(shard);
            foreach (var name in read.Columns)
            {
                if (relation!.FindColumn(name) is not { } column || (!objectIds.IsIdentity && objectIds.HoldsObjectIds(column.TypeOid)))
                    return false;
            }
        }
        return true;
    }
}
