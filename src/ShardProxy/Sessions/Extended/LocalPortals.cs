using ShardProxy.Planning;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Drawing;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>Portals that stand on no server, because the proxy answers or spreads their statement.</summary>
internal sealed class LocalPortals(Session session, StatementRunner runner, ExtendedUnit unit, UnitBlock block)
{
    /// <summary>Whether the proxy makes its rows of the shards' rows: any shard describes them.</summary>
    public static bool GivesRows(Plan plan) => plan is CountEverywherePlan or SeveralShardsPlan or ExplainPlan { HasParameters: true };

    /// <summary>Whether it uses a cursor over several shards, which stands on no server.</summary>
    public bool UsesMergedCursor(Plan plan) => plan is CursorPlan { Verb: CursorVerb.Fetch, Name: { } name } && session.Cursors.TryFindMerged(name, out _);

    private byte[] DescriptionOf(CursorPlan plan, ClientStatement statement, IReadOnlyList<short> formats) =>
        FetchRequest.Read(statement.Text.Sql) is { IsMove: false } && session.Cursors.TryFindMerged(plan.Name!, out var cursor) ? cursor.Describe(formats) : [];

    public async ValueTask DescribeAsync(ClientPortal portal)
    {
        await unit.SettleAsync();
        if (unit.IsSkipping)
            return;
        if (portal.Planned.Plan is CursorPlan fetch && UsesMergedCursor(fetch))
            LocalDescription.Write(session.Client.Output, DescriptionOf(fetch, portal.Statement, portal.ResultFormats), portal.ResultFormats);
        else if (portal.Description is { } description)
            LocalDescription.Write(session.Client.Output, description, portal.ResultFormats);
        else if (GivesRows(portal.Planned.Plan))
            await DescribeRowsAsync(portal, portal.Statement);
        else if (portal.Planned.Plan is ExecutePlan { Explain: null } && portal.Statement.Executes is { } executed)
            await DescribeRowsAsync(portal, executed);
        else
            LocalDescription.Write(session.Client.Output, portal.Planned.Plan);
    }

    public async ValueTask DescribeAsync(ClientStatement statement, PlannedStatement planned)
    {
        await unit.SettleAsync();
        if (unit.IsSkipping)
            return;
        ParameterDescriptionMessage.Write(session.Client.Output, statement.Text.ParameterTypes);
        if (planned.Plan is CursorPlan fetch && UsesMergedCursor(fetch))
            LocalDescription.Write(session.Client.Output, DescriptionOf(fetch, statement, []), []);
        else
            LocalDescription.Write(session.Client.Output, planned.Plan);
    }

    /// <summary>A statement with parameters behind the client's own, which the client is not told of.</summary>
    public async ValueTask DescribeAsync(ClientStatement statement, DrawnParameters drawn)
    {
        await unit.SettleAsync();
        if (unit.IsSkipping)
            return;
        var server = await unit.UseAsync(session.Servers.AnyShard());
        unit.WriteParse(server, statement);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, statement.Text.ServerName);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        FlushMessage.Write(server.Channel.Output);
        var tap = new DrawnDescriptionTap();
        await session.DrainAsync(server, tap);
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        tap.WriteTo(session.Client.Output, drawn.ClientParameters, session.ObjectIds(server.Shard));
    }

    /// <param name="maxRows">As in Execute; 0 or less is no limit.</param>
    public async ValueTask RunAsync(ClientPortal portal, byte[] name, int maxRows)
    {
        await unit.SettleAsync();
        if (unit.IsSkipping)
            return;
        if (portal is { HasRun: true, Suspended: null })
        {
            if (portal.Planned.Plan is not (SpreadPlan or CountEverywherePlan))
                throw new SqlErrorException(SqlStates.ObjectNotInPrerequisiteState, $"portal \"{ExtendedNames.Text(name)}\" cannot be run");
            // A SELECT that has come to its end goes on giving no rows.
            session.WriteTag("SELECT 0"u8);
            return;
        }
        portal.HasRun = true;
        portal.MaxRows = Math.Max(maxRows, 0);
        await block.PrepareAsync(portal.Planned, isLimited: portal.MaxRows > 0);
        var sql = portal.Statement.Text.Sql;
        session.Scanner.Scan(sql, session.StandardConformingStrings);
        var (start, end) = session.Scanner.StatementCount == 1 ? session.Scanner.GetStatement(0) : (0, sql.Length);
        session.Relay.DropsRowDescription = true;
        runner.Counts.Formats = portal.ResultFormats;
        runner.Prepared.Formats = portal.ResultFormats;
        runner.Counts.Suspends = portal.MaxRows == 1;
        try
        {
            unit.IsSkipping = !await runner.RunAsync(portal, new StatementText(sql, start, end));
        }
        finally
        {
            session.Relay.DropsRowDescription = false;
            runner.Counts.Formats = [];
            runner.Prepared.Formats = [];
            runner.Counts.Suspends = false;
        }
        if (!unit.IsSkipping && portal.Suspended is null)
            block.NoteExecuted(portal.Planned);
    }

    // The portal is nowhere, so its description is that of the statement, in the formats that Bind asked for.
    private async ValueTask DescribeRowsAsync(ClientPortal portal, ClientStatement statement)
    {
        var server = await unit.UseAsync(session.Servers.AnyShard());
        unit.WriteParse(server, statement);
        DescribeMessage.Write(server.Channel.Output, PreparedKind.Statement, statement.Text.ServerName);
        server.Ledger.Expect(ReplyKind.DescribeStatement, Disposition.Swallow);
        FlushMessage.Write(server.Channel.Output);
        var tap = new DescriptionTap();
        await session.DrainAsync(server, tap);
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error);
        tap.WriteTo(session.Client.Output, portal.ResultFormats, session.ObjectIds(server.Shard));
    }
}
