using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Spreading;

/// <summary>Runs a <see cref="SpreadPlan"/>: the shards' rows become the client's.</summary>
public sealed class SpreadRunner
{
    private readonly Session _session;

    public SpreadRunner(Session session) => _session = session;

    /// <summary>A statement of a simple Query.</summary>
    public async ValueTask<bool> RunAsync(SpreadPlan plan, StatementText text)
    {
        var shards = Shards(plan, new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText });
        var statement = new ShardStatement(text.Whole[text.Start..text.End]);
        try
        {
            return await RunAsync(shards, statement, isDescribed: true);
        }
        catch (SqlErrorException exception) when (exception.Error.Position is { } position && text.PositionOffset > 0)
        {
            throw new SqlErrorException(exception.Error with { Position = position + text.PositionOffset });
        }
    }

    /// <summary>A portal of the extended protocol, run to its end.</summary>
    public ValueTask<bool> RunAsync(SpreadPlan plan, ClientPortal portal)
    {
        var text = portal.Statement.Text;
        _session.Scanner.Scan(text.Sql, _session.StandardConformingStrings);
        var shards = ShardsOfBind(plan, portal);
        var statement = new ShardStatement(text.Sql)
        {
            Bind = portal.Bind,
            ParameterTypes = text.ParameterTypes,
            NestedParameterTypes = portal.NestedParameterTypes,
        };
        return RunAsync(shards, statement, isDescribed: false);
    }

    private async ValueTask<bool> RunAsync(List<int> shards, ShardStatement statement, bool isDescribed)
    {
        var run = await SpreadRun.StartAsync(_session, shards, _ => statement);
        var pump = new Concatenation(run.Shards);
        try
        {
            if (isDescribed)
                _session.Client.Output.Write(run.Description);
            await run.PumpAsync(pump, maxRows: 0);
        }
        catch (Exception exception) when (exception is SqlErrorException or ServerLostException)
        {
            await run.AbortAsync(exception);
            throw;
        }
        await run.FinishAsync();
        CommandCompleteMessage.Write(_session.Client.Output, "SELECT "u8, pump.RowCount);
        return true;
    }

    private List<int> ShardsOfBind(SpreadPlan plan, ClientPortal portal)
    {
        BindMessage.TryRead(portal.Bind.Span, out var bind);
        return Shards(plan, new StatementValues(portal.Statement.Text.Sql, _session.Scanner, bind, portal.ParameterTypes) { IsConverted = _session.ConvertsText });
    }

    private List<int> Shards(SpreadPlan plan, in StatementValues values) =>
        ShardBinder.Shards(plan.Keys, _session.Planning().Routing.Directory, _session.Database.ShardCount, values, _session.Servers.AnyShard());
}
