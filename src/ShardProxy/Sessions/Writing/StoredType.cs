using ShardProxy.Protocol.Values;

namespace ShardProxy.Sessions.Writing;

/// <summary>As what type a value that a query gave is stored, so that PostgreSQL assigns it to its column as if the query stood in the statement.</summary>
internal static class StoredType
{
    /// <param name="type">The query's column; a literal without a type is text there.</param>
    /// <param name="column">The table's column. No text expression could be assigned to one that is no string, so that was such a literal.</param>
    public static uint Of(uint type, uint column) => type is TypeOid.Text or TypeOid.Unknown ? column : type;
}
