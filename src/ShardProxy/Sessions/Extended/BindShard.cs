using ShardProxy.Planning;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Extended;

/// <summary>The shard of a statement with the values of its Bind.</summary>
internal sealed class BindShard(Session session, ParameterTypeLookup types)
{
    public async ValueTask<int> ChooseAsync(ClientStatement statement, PlannedStatement planned, ReadOnlyMemory<byte> body)
    {
        var sql = statement.Text.Sql;
        var parameterTypes = planned.SharesKeyParameter ? await types.ResolveAsync(statement) : statement.Text.ParameterTypes;
        session.Scanner.Scan(sql, session.StandardConformingStrings);
        if (planned.Plan is not OneShardPlan one)
        {
            if (planned.Plan is RefusedPlan or UnreadPlan or SeveralShardsPlan or Planning.Gathering.GatherPlan && Routing.TryHint(session, sql, out var hinted))
                return hinted;
            return planned.Plan switch
            {
                RefusedPlan refused => throw Routing.Refuse(refused),
                CursorPlan { Name: { } name } when session.TryFindCursor(name, out var where) => where,
                UnreadPlan when !session.Planning().Routing.Directory.HasShardedTables => Database.HomeShard,
                UnreadPlan unread => throw new SqlErrorException(
                    SqlStates.FeatureNotSupported,
                    $"the statement could not be read, so its shard is not known: {unread.Message}",
                    "Say where it belongs with a leading comment /* shardproxy: key=… */ or /* shardproxy: shard=… */."),
                _ => session.Servers.AnyShard(),
            };
        }
        if (Routing.NeedsPlaces(session, one, Values(statement, body, parameterTypes)))
            await Routing.PlaceAsync(session);
        return Routing.Choose(session, one.Choice, Values(statement, body, parameterTypes));
    }

    private StatementValues Values(ClientStatement statement, ReadOnlyMemory<byte> body, uint[] parameterTypes)
    {
        BindMessage.TryRead(body.Span, out var bind);
        return new StatementValues(statement.Text.Sql, session.Scanner, bind, parameterTypes) { IsConverted = session.ConvertsText, Places = session.Places };
    }
}
