using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>
/// SQL EXECUTE in the extended protocol. It stands on the server where the statement that it names will run, under the name
/// that the statement has there, so that its description, its formats and its row limits are the server's affair.
/// </summary>
internal sealed class ExecutePortals(Session session, StatementRunner runner, ExtendedUnit unit)
{
    /// <returns>Null when no server can run it: whoever executes the portal is told why, as PostgreSQL does it then and not before.</returns>
    public async ValueTask<ResolvedExecute?> TryResolveAsync(ClientStatement statement, PlannedStatement planned)
    {
        if (planned.Plan is not ExecutePlan execute)
            return null;
        var sql = statement.Text.Sql;
        session.Scanner.Scan(sql, session.StandardConformingStrings);
        var (start, end) = session.Scanner.GetStatement(0);
        try
        {
            return await runner.Prepared.ResolveAsync(execute, planned, new StatementText(sql, start, end));
        }
        catch (SqlErrorException)
        {
            return null;
        }
    }

    /// <summary>Makes the server's unnamed statement this EXECUTE.</summary>
    public void WriteParse(ServerConnection server, ResolvedExecute resolved)
    {
        PreparedRunner.SendParse(server, resolved.Statement.Text, session, Disposition.Swallow);
        ExtendedUnit.WriteUnnamed(server, resolved.Sql, [], Disposition.Swallow);
    }

    /// <returns>False when there is no statement of the name: PostgreSQL then says that it returns nothing.</returns>
    public async ValueTask<bool> TryDescribeAsync(ClientStatement statement, PlannedStatement planned)
    {
        if (planned.Plan is not ExecutePlan || statement.Executes is not { } inner)
            return false;
        var server = await unit.UseAsync(session.Servers.AnyShard());
        PreparedRunner.SendParse(server, inner.Text, session, Disposition.Swallow);
        ExtendedUnit.WriteUnnamed(
            server,
            ExecuteText.Rename(statement.Text.Sql, inner.Text.ServerName),
            PreparedRunner.LocalTypes(session, server, statement.Text),
            Disposition.Swallow);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, []);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Forward);
        return true;
    }
}
