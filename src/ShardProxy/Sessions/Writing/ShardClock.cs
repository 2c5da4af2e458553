using System.Collections.Immutable;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Writing;

/// <summary>Asks one shard of the transaction for the time, for all of them.</summary>
internal static class ShardClock
{
    // Read the same under every DateStyle and time zone.
    private const string Query = """
        SELECT pg_catalog.to_char(pg_catalog.timezone('UTC', t), 'YYYY-MM-DD HH24:MI:SS.US') || '+00'
        FROM (VALUES (pg_catalog.transaction_timestamp()), (pg_catalog.statement_timestamp())) AS times(t)
        """;

    public static bool IsNeeded(string text) =>
        text.Contains(StatementClock.TransactionMark, StringComparison.Ordinal) || text.Contains(StatementClock.StatementMark, StringComparison.Ordinal);

    public static async ValueTask<string> FillAsync(Session session, int shard, string text) =>
        (await FillAsync(session, shard, [new TextEdit(0, 0, text)]))[0].Text;

    public static async ValueTask<ImmutableArray<TextEdit>> FillAsync(Session session, int shard, ImmutableArray<TextEdit> edits)
    {
        var server = await session.Servers.GetAsync(shard);
        if (await ServerValues.ReadAsync(session, server, Query) is not [{ } transaction, { } statement])
            throw new SqlErrorException(session.Relay.SwallowedError ?? new ServerError(SqlStates.ProtocolViolation, "a shard did not say what time it is"));
        return
        [
            .. edits.Select(edit => edit with
            {
                Text = edit.Text.Replace(StatementClock.TransactionMark, transaction, StringComparison.Ordinal).Replace(StatementClock.StatementMark, statement, StringComparison.Ordinal),
            }),
        ];
    }
}
