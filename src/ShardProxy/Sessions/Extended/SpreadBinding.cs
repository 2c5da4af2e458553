using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Planning;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Extended;

/// <summary>The Bind of a statement that runs on several shards: its portal is on no server, and keeps what Bind said.</summary>
internal sealed class SpreadBinding(Session session, ParameterTypeLookup types)
{
    /// <summary>The plan for these values: of a statement that one shard would run for other values, perhaps another.</summary>
    public async ValueTask<PlannedStatement> ChooseAsync(ClientStatement statement, PlannedStatement planned, ReadOnlyMemory<byte> body)
    {
        planned = await ChooseForKeysAsync(statement, planned, body);
        if (planned.Plan is SpreadPlan or CountEverywherePlan && ReadsClock(statement, body))
            planned = planned with { Plan = Routing.Replan(session, statement.Text.Sql, 0, hasClockValues: true).Plan };
        if (planned.Plan is SpreadPlan { Merge: { } draft, Fallback: { } fallback })
            return await IsMergeableAsync(statement, draft) ? planned : planned with { Plan = fallback };
        return planned;
    }

    private bool ReadsClock(ClientStatement statement, ReadOnlyMemory<byte> body)
    {
        session.Scanner.Scan(statement.Text.Sql, session.StandardConformingStrings);
        BindMessage.TryRead(body.Span, out var bind);
        return ClockValues.AreIn(new StatementValues(statement.Text.Sql, session.Scanner, bind, statement.Text.ParameterTypes));
    }

    private async ValueTask<PlannedStatement> ChooseForKeysAsync(ClientStatement statement, PlannedStatement planned, ReadOnlyMemory<byte> body)
    {
        var one = planned.Plan is WritePlan { Draft: OneShardDraft draft } ? draft.One : planned.Plan as OneShardPlan;
        if (one?.Otherwise is null)
            return planned;
        var parameterTypes = planned.SharesKeyParameter ? await types.ResolveAsync(statement) : statement.Text.ParameterTypes;
        session.Scanner.Scan(statement.Text.Sql, session.StandardConformingStrings);
        if (Routing.NeedsPlaces(session, one, Values(statement, body, parameterTypes)))
            await Routing.PlaceAsync(session);
        var plan = Routing.Choose(session, one, Values(statement, body, parameterTypes), out _);
        if (ReferenceEquals(plan, one))
            return planned;
        return planned with { Plan = plan is ReplanPlan ? Routing.Replan(session, statement.Text.Sql, 0).Plan : plan };
    }

    private StatementValues Values(ClientStatement statement, ReadOnlyMemory<byte> body, uint[] parameterTypes)
    {
        BindMessage.TryRead(body.Span, out var bind);
        return new StatementValues(statement.Text.Sql, session.Scanner, bind, parameterTypes) { IsConverted = session.ConvertsText, Places = session.Places };
    }

    /// <summary>A hint says where it runs, so it is on a server after all.</summary>
    public bool IsHinted(ClientStatement statement)
    {
        session.Scanner.Scan(statement.Text.Sql, session.StandardConformingStrings);
        return Routing.TryHint(session, statement.Text.Sql, out _);
    }

    public async ValueTask<ClientPortal> BindAsync(ClientStatement statement, PlannedStatement planned, ReadOnlyMemory<byte> body)
    {
        var nested = HasForeignShards() && HasBinaryUserTypes(body.Span, statement.Text.ParameterTypes);
        var parameterTypes = nested || planned.SharesKeyParameter ? await types.ResolveAsync(statement) : statement.Text.ParameterTypes;
        return new ClientPortal(statement, planned, null)
        {
            Bind = body,
            ParameterTypes = parameterTypes,
            NestedParameterTypes = nested ? parameterTypes : [],
            ResultFormats = Formats(body.Span),
            Savepoint = session.Transaction.SavepointsMade,
        };
    }

    private async ValueTask<bool> IsMergeableAsync(ClientStatement statement, MergeDraft draft)
    {
        var parameterTypes = await types.ResolveAsync(statement);
        var text = Encoding.UTF8.GetBytes(draft.Probe);
        var probe = new ClientStatement(session.Database.PreparedTexts.Intern(text, parameterTypes, session.Planning().Routing.Version), isUnnamed: false);
        var (_, columns) = await types.DescribeAsync(probe, session.Servers.AnyShard(), isLasting: true);
        return SpreadRunner.IsMergeable(session, draft.SpecOf(columns, parameterTypes.Length));
    }

    private bool HasForeignShards()
    {
        for (var shard = 0; shard < session.Database.ShardCount; shard++)
        {
            if (!session.ObjectIds(shard).IsIdentity)
                return true;
        }
        return false;
    }

    private static bool HasBinaryUserTypes(ReadOnlySpan<byte> body, uint[] declared)
    {
        BindMessage.TryRead(body, out var bind);
        for (var i = 0; i < bind.ParameterCount; i++)
        {
            if (bind.IsBinary(i) && (i >= declared.Length || declared[i] is 0 or >= ObjectIdMap.FirstUserObjectId))
                return true;
        }
        return false;
    }

    private static short[] Formats(ReadOnlySpan<byte> body)
    {
        BindMessage.TryRead(body, out var bind);
        var formats = new short[bind.ResultFormats.Count];
        for (var i = 0; i < formats.Length; i++)
            formats[i] = bind.ResultFormats[i];
        return formats;
    }
}
