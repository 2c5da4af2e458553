using ShardProxy.Catalog;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>The error of an index's table of entries in the words that the index itself would have had.</summary>
internal static class UniqueViolation
{
    /// <param name="error">As the table's server gave it, in its language.</param>
    public static ServerError AsOf(ServerError error, string id, CatalogSnapshot catalog)
    {
        error = error with { Where = null, InternalQuery = null, InternalPosition = null, Hint = null };
        return Find(id, catalog) is not var (table, index) ? error : AsOf(error, id, table, index);
    }

    /// <summary>Rows that are there already have the same values: as CREATE UNIQUE INDEX says it.</summary>
    /// <param name="error">As the entries' server gave it.</param>
    public static ServerError WhileMaking(ServerError error, MissingIndex index)
    {
        var marker = $"({ColumnsOf(index.Width)})=(";
        var at = error.Detail?.IndexOf(marker, StringComparison.Ordinal) ?? -1;
        var end = error.Detail?.LastIndexOf(')') ?? -1;
        return new ServerError(SqlStates.UniqueViolation, $"could not create unique index \"{index.Name}\"")
        {
            Detail = at < 0 || end < at ? null : $"Key ({index.Title})=({error.Detail![(at + marker.Length)..end]}) is duplicated.",
            SchemaName = index.Table.Schema,
            TableName = index.Table.Name,
            ConstraintName = index.Name,
        };
    }

    private static string ColumnsOf(int count) => string.Join(", ", Enumerable.Range(1, count).Select(static number => $"u{number}"));

    private static ServerError AsOf(ServerError error, string id, Relation table, GlobalIndex index)
    {
        return error with
        {
            Message = error.Message.Replace(UniqueSupport.ConstraintOf(id), index.Name, StringComparison.Ordinal),
            Detail = Replace(error.Detail, $"({ColumnsOf(index.Width)})=", $"({index.Title})="),
            SchemaName = table.Name.Schema,
            TableName = table.Name.Name,
            ConstraintName = index.Name,
        };
    }

    // Only the first: the value may look like anything.
    private static string? Replace(string? detail, string from, string to)
    {
        var at = detail?.IndexOf(from, StringComparison.Ordinal) ?? -1;
        return at < 0 ? detail : string.Concat(detail.AsSpan(0, at), to, detail.AsSpan(at + from.Length));
    }

    private static (Relation Table, GlobalIndex Index)? Find(string id, CatalogSnapshot catalog)
    {
        foreach (var relation in catalog.Relations.Values)
        {
            foreach (var index in relation.GlobalIndexes)
            {
                if (index.Id == id)
                    return (relation, index);
            }
        }
        return null;
    }
}
