using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Writing;

/// <summary>What the home shard says of the foreign keys that rows are in the way of; asked when rows move, which is seldom.</summary>
internal static class ForeignKeyFacts
{
    /// <summary>Rows of the table may refer to one another.</summary>
    public static ValueTask<bool> IsSelfReferencingAsync(Session session, QualifiedName table) =>
        AskAsync(session, $"f.conrelid = f.confrelid AND f.conrelid = {Oid(table)}");

    /// <summary>Rows that refer to the table's follow them when they are deleted, or change with them.</summary>
    public static ValueTask<bool> HasActionsAsync(Session session, QualifiedName table) =>
        AskAsync(session, $"f.confrelid = {Oid(table)} AND (f.confupdtype IN ('c', 'n', 'd') OR f.confdeltype IN ('c', 'n', 'd'))");

    private static async ValueTask<bool> AskAsync(Session session, string condition)
    {
        var server = await session.Servers.GetAsync(Database.HomeShard);
        var answer = await ServerValues.ReadAsync(session, server, $"SELECT pg_catalog.count(*) FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' AND {condition}");
        return answer is [{ } count]
            ? count != "0"
            : throw new SqlErrorException(session.Relay.SwallowedError ?? new ServerError(SqlStates.ProtocolViolation, "the home shard did not say which foreign keys there are"));
    }

    private static string Oid(QualifiedName table) =>
        $"'{$"{StoredRows.Quote(table.Schema)}.{StoredRows.Quote(table.Name)}".Replace("'", "''", StringComparison.Ordinal)}'::pg_catalog.regclass";
}
