using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>
/// Lets the home shard, which has all tables, judge a statement that runs in pieces: names, types, and what the user may
/// do. The pieces by themselves would ask for other rights, or for none where there are no rows.
/// </summary>
internal static class StatementCheck
{
    /// <returns>The statement's parameters and what it returns.</returns>
    public static async ValueTask<ShardDescription> AskAsync(Session session, ClientRequest request, string command)
    {
        if (session.Transaction.IsOpen && session.Transaction.IsReadOnly)
            throw new SqlErrorException("25006", $"cannot execute {command} in a read-only transaction");
        if (session.ConvertsText)
            throw new SqlErrorException(SqlStates.FeatureNotSupported, "rows pass from shard to shard, and the client's encoding is not the server's", "Set client_encoding to the server's encoding.");
        var described = await ShardDescription.AskAsync(session, Database.HomeShard, request.Sql, request.ParameterTypes);
        // Only who begins to run a statement is asked for rights, and EXPLAIN begins.
        var explain = new ShardStatement((byte[])[.. "EXPLAIN "u8, .. request.Sql.Span])
        {
            Bind = request.Bind,
            ParameterTypes = described.ParameterTypes,
            NestedParameterTypes = request.NestedParameterTypes,
            Formats = [0],
        };
        await RowsOf.AllAsync(session, [Database.HomeShard], explain);
        StoredRows.CheckText(session);
        return described;
    }
}
