using System.Globalization;
using System.Text;
using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Planning.Drawing;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// SQL EXECUTE of a statement that several shards answer. A server computes the arguments, once and as it would for its own
/// EXECUTE; from there on the statement runs as one with bound parameters.
/// </summary>
internal sealed class SpreadExecute(Session session, StatementRunner runner)
{
    /// <summary>Whether <see cref="RunAsync"/> is for a plan.</summary>
    public static bool Takes(Plan plan) => plan is SpreadPlan or GatherPlan { Cursor: null } or CountEverywherePlan or WritePlan or DrawPlan or OneShardPlan { Otherwise: not null };

    /// <param name="inner">The plan of <paramref name="statement"/>.</param>
    /// <param name="text">The EXECUTE.</param>
    /// <param name="formats">Format codes of the result.</param>
    /// <returns>Null when one shard answers it with these arguments.</returns>
    public async ValueTask<bool?> RunAsync(ClientStatement statement, PlannedStatement inner, StatementText text, IReadOnlyList<short> formats)
    {
        var bound = await BindAsync(statement, text, formats);
        if (inner.Plan is DrawPlan draw)
            return await RunDrawnAsync(draw, bound);
        return await BoundPlans.ChooseAsync(session, inner.Plan, bound) is { } plan ? await RunAsync(plan, inner, bound) : null;
    }

    /// <summary>The statement draws identifiers: they are written into its text, which is planned anew.</summary>
    private async ValueTask<bool> RunDrawnAsync(DrawPlan draw, BoundStatement bound)
    {
        if (draw.OutputName is not null)
            throw new SqlErrorException(SqlStates.FeatureNotSupported, "EXECUTE of a SELECT of nextval() is not supported over shards", "Run the statement itself.");
        (var rewritten, bound) = await BoundPlans.DrawAsync(session, draw, bound);
        var plan = await BoundPlans.ChooseAsync(session, rewritten.Plan, bound) ?? BoundPlans.AsWrite(rewritten.Plan);
        return await RunAsync(plan, rewritten, bound);
    }

    /// <summary>EXPLAIN before it.</summary>
    /// <param name="planned">The plan of <paramref name="text"/>.</param>
    public async ValueTask<bool?> ExplainAsync(ExplainPlan explain, PlannedStatement planned, ClientStatement statement, PlannedStatement inner, StatementText text)
    {
        var verb = ExecuteText.StartOfVerb(text.Bytes);
        var bound = await BindAsync(statement, new StatementText(text.Whole, text.Start + verb, text.End), []);
        var plan = await BoundPlans.ChooseAsync(session, inner.Plan, bound);
        if (plan is null)
            return null;
        if (plan is RefusedPlan refused)
            throw Routing.Refuse(refused);
        if (plan is not (SpreadPlan or GatherPlan or CountEverywherePlan or WritePlan) || (plan is WritePlan && explain.Analyzes))
            throw new SqlErrorException(SqlStates.FeatureNotSupported, "EXPLAIN of this statement has no one shard to run on", hint: null);
        if (plan is GatherPlan gather)
            plan = gather with { NeedsRows = explain.Analyzes };
        bound.Values(session);
        var sql = bound.Sql;
        return await runner.Explains.RunAsync(
            explain with { Inner = plan, Body = Encoding.UTF8.GetString(sql), HasParameters = true }, planned, new StatementText(sql, 0, sql.Length), bound.Body, bound.Types);
    }

    private async ValueTask<BoundStatement> BindAsync(ClientStatement statement, StatementText text, IReadOnlyList<short> formats)
    {
        var sql = statement.Text.Sql;
        var shard = session.Servers.AnyShard();
        var described = await ShardDescription.AskAsync(session, shard, sql, statement.Text.ParameterTypes);
        var values = await ArgumentsAsync(shard, described.ParameterTypes, text);
        var body = new ByteBuffer();
        BindMessage.Write(body, [], [], [], values, [.. formats]);
        return new BoundStatement(sql, body.Unread[Frame.HeaderLength..].ToArray(), described.ParameterTypes, formats);
    }

    private ValueTask<bool> RunAsync(Plan plan, PlannedStatement inner, BoundStatement bound) => plan switch
    {
        SpreadPlan spread => runner.Spread.RunAsync(spread, bound, fallback => RunAsync(fallback, inner, bound)),
        WritePlan write => runner.Writes.RunAsync(write, inner.Verb, bound),
        GatherPlan gather => runner.Gathers.RunAsync(gather, inner, bound.Sql, bound.Body, bound.Types),
        CountEverywherePlan => runner.Counts.RunAsync(inner, new StatementText(bound.Sql, 0, bound.Sql.Length)),
        RefusedPlan refused => throw Routing.Refuse(refused),
        _ => throw new SqlErrorException(SqlStates.FeatureNotSupported, $"EXECUTE of \"{inner.Verb}\" is not supported over shards", "Run the statement itself."),
    };

    private async ValueTask<byte[]?[]> ArgumentsAsync(int shard, uint[] types, StatementText text)
    {
        if (types.Length == 0)
            return [];
        var server = await session.Servers.GetAsync(shard);
        var select = $"SELECT {string.Join(", ", Enumerable.Range(1, types.Length).Select(static number => string.Create(CultureInfo.InvariantCulture, $"${number}")))}";
        var prepared = session.Database.PreparedTexts.Intern(Encoding.ASCII.GetBytes(select), types, session.Planning().Routing.Version);
        if (PreparedRunner.SendParse(server, prepared, session, Disposition.Swallow))
            server.SendSync(Disposition.Swallow);
        var execute = ExecuteText.Rename(text.Bytes, prepared.ServerName);
        server.SendQuery(execute, Disposition.Swallow);
        var tap = new Tap(types.Length);
        await session.DrainAsync(server, tap);
        Aftermath.FollowServer(session, server);
        if (session.Relay.SwallowedError is not { } error)
            return tap.Values;
        var offset = text.PositionOffset + Encoding.UTF8.GetCharCount(text.Bytes) - Encoding.UTF8.GetCharCount(execute);
        throw new SqlErrorException(error.Position is null ? error : error with { Position = error.Position + offset });
    }

    private sealed class Tap(int count) : IReplyTap
    {
        public byte[]?[] Values { get; } = new byte[]?[count];

        public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
        {
            if (type == BackendMessageType.DataRow && DataRowMessage.TryRead(frame[Frame.HeaderLength..], out var row))
            {
                for (var column = 0; column < count; column++)
                    Values[column] = row.TryGetColumn(column, out var value, out var isNull) && !isNull ? value.ToArray() : null;
            }
            return forward;
        }
    }
}
