using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Running;

/// <summary>DECLARE, FETCH, MOVE and CLOSE: of a cursor on one server there, of one over several shards here.</summary>
public sealed class CursorRunner(Session session, StatementRunner runner)
{
    private long _declared;

    /// <summary>A cursor on one shard; FETCH, MOVE and CLOSE of any.</summary>
    /// <param name="dispatch">Runs another plan for the statement.</param>
    public async ValueTask<bool> RunAsync(CursorPlan plan, PlannedStatement planned, StatementText text, Func<Plan, ValueTask<bool>> dispatch)
    {
        if (plan.Verb != CursorVerb.Declare && plan.Name is not null && session.Cursors.TryFindMerged(plan.Name, out var merged))
            return plan.Verb == CursorVerb.Close ? await CloseAsync(plan.Name, merged) : await FetchAsync(plan.Name, merged, planned, text, portal: null);
        var shard = plan.Verb switch
        {
            CursorVerb.Declare when plan.Inner is KeyedShard keyed => Choose(keyed, text),
            CursorVerb.Declare => Routing.Choose(session, plan.Inner ?? HomeShard.Instance, text),
            _ when plan.Name is not null && session.TryFindCursor(plan.Name, out var where) => where,
            _ => session.Servers.AnyShard(),
        };
        if (shard < 0)
            return await dispatch(ReplanPlan.Instance);
        if (plan is { Verb: CursorVerb.Close, Name: null } && session.Servers.JoinedCount > 1)
        {
            if (!await runner.Transactions.RunOnJoinedAsync(text))
                return false;
            session.Cursors.Clear();
            return true;
        }
        if (plan is { Verb: CursorVerb.Declare, Name: { } declared })
            session.CheckCursorName(declared, shard);
        if (!await runner.RunOnAsync(shard, planned, text.Whole[text.Start..text.End], text.PositionOffset))
            return false;
        if (plan is { Verb: CursorVerb.Declare, Name: not null })
            session.Cursors.Add(plan.Name, shard, session.Transaction, plan.WithHold);
        else if (plan is { Verb: CursorVerb.Close, Name: null })
            session.Cursors.Clear();
        else if (plan is { Verb: CursorVerb.Close, Name: not null })
            session.Cursors.Remove(plan.Name);
        return true;
    }

    /// <param name="dispatch">Runs the plan's alternative.</param>
    public async ValueTask<bool> DeclareAsync(DeclarePlan plan, StatementText text, Func<Plan, ValueTask<bool>> dispatch)
    {
        if (!session.Transaction.IsOpen)
            throw new SqlErrorException(SqlStates.NoActiveSqlTransaction, "DECLARE CURSOR can only be used in transaction blocks");
        session.CheckCursorName(plan.Name, shard: -1);
        var shards = runner.Spread.ShardsOf(plan.Query, text);
        MergedCursor cursor;
        try
        {
            cursor = await runner.Spread.DeclareAsync(plan, shards, ++_declared);
        }
        catch (NotMergeableException)
        {
            return plan.Otherwise is RefusedPlan refused ? throw Routing.Refuse(refused) : await dispatch(plan.Otherwise);
        }
        catch (SqlErrorException exception) when (exception.Error.Position is { } position)
        {
            throw new SqlErrorException(exception.Error with { Position = position + text.PositionOffset + plan.Head.EnumerateRunes().Count() });
        }
        session.Cursors.Add(plan.Name, cursor, session.Transaction);
        session.WriteTag("DECLARE CURSOR"u8);
        return true;
    }

    /// <summary>FETCH or MOVE of a cursor over several shards; a write where it stands is refused.</summary>
    /// <param name="portal">Null in the simple protocol.</param>
    public async ValueTask<bool> FetchAsync(string name, MergedCursor cursor, PlannedStatement planned, StatementText text, ClientPortal? portal)
    {
        if (FetchRequest.Read(text.Bytes) is not { } fetch)
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported, $"{planned.Verb.ToUpperInvariant()} WHERE CURRENT OF \"{name}\" is not supported, because the cursor is over several shards", "Name the row by its key.");
        }
        if (portal is { MaxRows: > 0 and var limit } && fetch.Count >= limit && !fetch.IsMove)
            throw new SqlErrorException(SqlStates.FeatureNotSupported, "FETCH from a cursor over several shards cannot have a row limit of the protocol beside its own", "Ask for fewer rows with FETCH.");
        session.StartQueryClock();
        var rows = await cursor.FetchAsync(fetch, portal?.ResultFormats ?? [], portal is null && !fetch.IsMove ? cursor.Describe([]) : []);
        CommandCompleteMessage.Write(session.Client.Output, fetch.IsMove ? "MOVE "u8 : "FETCH "u8, rows);
        return true;
    }

    private async ValueTask<bool> CloseAsync(string name, MergedCursor cursor)
    {
        session.Cursors.Remove(name);
        await cursor.Run.FinishAsync();
        session.WriteTag("CLOSE CURSOR"u8);
        return true;
    }

    /// <summary>-1 when the keys are on several shards.</summary>
    private int Choose(KeyedShard keyed, StatementText text)
    {
        var values = new StatementValues(text.Whole.Span, session.Scanner) { IsConverted = session.ConvertsText, Places = session.Places };
        Routing.Choose(session, new OneShardPlan(keyed) { Otherwise = ReplanPlan.Instance }, values, out var shard);
        return shard;
    }
}
