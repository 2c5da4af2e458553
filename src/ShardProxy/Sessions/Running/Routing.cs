using System.Globalization;
using System.Text;
using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements;

namespace ShardProxy.Sessions.Running;

/// <summary>From a text to its template, and from a template with values to a shard.</summary>
public static class Routing
{
    /// <summary>The template of the text that the session's scanner has just read, planned now if its shape is new.</summary>
    public static StatementTemplate Template(Session session, ReadOnlySpan<byte> sql)
    {
        var scanner = session.Scanner;
        var planning = session.Planning();
        var database = session.Database;
        if (planning.Routing.Unavailable is { } reason)
            throw new SqlErrorException(SqlStates.CannotConnectNow, reason);
        if (scanner.IsComplete && database.Statements.TryGet(scanner, sql, planning.Id, out var known))
            return known;
        var template = StatementPlanner.Plan(sql, scanner, planning.Context);
        if (template.Cacheable && scanner.IsComplete)
            database.Statements.Add(scanner, sql, planning.Id, template, [.. template.SensitiveSlots], TemplateSize.Of(template));
        return template;
    }

    /// <summary>As <see cref="Template"/>; when a relation is not known it may be new, so the catalog is read again, once, and the text planned anew.</summary>
    public static async ValueTask<StatementTemplate> TemplateAsync(Session session, ReadOnlyMemory<byte> sql)
    {
        var template = Template(session, sql.Span);
        if (!session.Database.UnknownRelations.ShouldLookAgain(session, template))
            return template;
        await session.Database.Control.RefreshCatalogAsync();
        return Template(session, sql.Span);
    }

    /// <summary>
    /// Whether the directory has to be asked where keys of the plan are, before its shards are chosen. What is wanted is then in
    /// the session's <see cref="Session.Places"/>, for <see cref="PlaceAsync"/>; values that choose shards carry it.
    /// </summary>
    public static bool NeedsPlaces(Session session, Plan plan, in StatementValues values)
    {
        session.Places = null;
        var directory = session.Planning().Routing.Directory;
        session.ChosenUnder = directory.MoveNumber;
        if (!directory.HasLookups)
            return false;
        var places = new KeyPlaces();
        if (!PlanKeys.Collect(PlanKeys.Of(plan), directory, values, places))
            return false;
        session.Places = places;
        return true;
    }

    /// <summary>A key was moved since the shards of a statement were chosen, which then are to be chosen again.</summary>
    /// <param name="moveNumber">Of the directory by which they were chosen.</param>
    public static bool HasMoved(Session session, long moveNumber) => session.Database.Routing.Directory.MoveNumber != moveNumber;

    /// <summary>Asks the directory for <see cref="Session.Places"/>. Throws what stands in the way.</summary>
    /// <param name="mayPlace">A new key that becomes a row's is given a place.</param>
    public static ValueTask PlaceAsync(Session session, bool mayPlace = true) => KeyWait.PlaceAsync(session, session.Places!, mayPlace);

    /// <summary>The shard of a statement without parameters.</summary>
    public static int Choose(Session session, ShardChoice choice, StatementText text) =>
        Choose(session, choice, new StatementValues(text.Whole.Span, session.Scanner) { IsConverted = session.ConvertsText, Places = session.Places });

    /// <summary>The plan to run with these values: the same, or another where the keys live on several shards. The shard is -1 then.</summary>
    public static Plan Choose(Session session, OneShardPlan plan, in StatementValues values, out int shard)
    {
        shard = -1;
        if (plan is { Otherwise: { } otherwise, Choice: KeyedShard keyed } && !TryHint(session, values.Text, out _)
            && ShardBinder.Choose(keyed, session.Planning().Routing.Directory, values, Database.HomeShard, out _, out _) != BindResult.Bound)
        {
            return otherwise;
        }
        shard = Choose(session, plan.Choice, values);
        return plan;
    }

    /// <summary>A text planned again, with keys that choose no shard. Throws the refusal if that is the plan.</summary>
    /// <param name="statement">Which of the text's statements.</param>
    /// <param name="hasClockValues">A parameter reads the clock.</param>
    public static PlannedStatement Replan(Session session, ReadOnlySpan<byte> sql, int statement, bool hasClockValues = false)
    {
        session.Scanner.Scan(sql, session.StandardConformingStrings);
        var template = StatementPlanner.Plan(sql, session.Scanner, session.Planning().Context with { IsUnconfined = true, HasClockValues = hasClockValues });
        var planned = template.Statements[statement];
        return planned.Plan is RefusedPlan refused ? throw Refuse(refused) : planned;
    }

    /// <summary>The shard of a statement with its values bound. Throws the refusal when there is not exactly one.</summary>
    public static int Choose(Session session, ShardChoice choice, in StatementValues values)
    {
        if (choice is KeyedShard keyed)
        {
            var any = session.Servers.AnyShard();
            if (ShardBinder.Choose(keyed, session.Planning().Routing.Directory, values, any, out var shard, out var refusal) == BindResult.Bound)
                return shard;
            if (TryHint(session, values.Text, out shard))
                return shard;
            throw Refuse(refusal!);
        }
        if (TryHint(session, values.Text, out var hinted))
            return hinted;
        return choice is AnyShard ? session.Servers.AnyShard() : Database.HomeShard;
    }

    public static bool TryHint(Session session, StatementText text, out int shard) => TryHint(session, text.Whole.Span, out shard);

    /// <summary>Where a leading comment or SET says that the statement belongs.</summary>
    public static bool TryHint(Session session, ReadOnlySpan<byte> text, out int shard)
    {
        var hint = session.Scanner.Hint;
        shard = -1;
        switch (hint.Kind)
        {
            case RoutingHintKind.None:
                break;
            case RoutingHintKind.Shard:
                shard = Shard(session, Value(text, hint.Value));
                return true;
            case RoutingHintKind.Key:
                shard = HintedKey.ShardOf(session.Planning().Routing, Value(text, hint.Value), hint.Zone is { } zone ? Value(text, zone) : null);
                return true;
            default:
                throw new SqlErrorException(
                    SqlStates.SyntaxError,
                    "the statement's leading comment starts with \"shardproxy:\" but is no hint that ShardProxy knows",
                    "Write /* shardproxy: key=42 */, /* shardproxy: key='a b' zone=eu */ or /* shardproxy: shard=s1 */.");
        }
        if (session.Hint.Shard is { } name)
            shard = Shard(session, name);
        else if (session.Hint.Key is { } key)
            shard = HintedKey.ShardOf(session.Planning().Routing, key, session.Hint.Zone);
        return shard >= 0;
    }

    /// <summary>Whether a hint may decide: for what nobody could route, and, said in the statement itself, for what would run everywhere.</summary>
    public static bool IsForHint(Plan plan, Session session) => plan switch
    {
        RefusedPlan refused => refused.SqlState == SqlStates.FeatureNotSupported,
        CountEverywherePlan or InsertEverywherePlan or SeveralShardsPlan or GatherPlan or ExplainPlan or DeclarePlan => true,
        EveryShardPlan => session.Scanner.Hint.Kind != RoutingHintKind.None,
        _ => false,
    };

    public static SqlErrorException Refuse(RefusedPlan refused) => new(refused.SqlState, refused.Reason, refused.Hint);

    private static string Value(ReadOnlySpan<byte> text, Literal literal)
    {
        var scratch = new ByteBuffer();
        return LiteralText.TryDecode(text, literal, scratch, out var value)
            ? Encoding.UTF8.GetString(value)
            : Encoding.UTF8.GetString(text.Slice(literal.Start, literal.Length));
    }

    private static int Shard(Session session, string name)
    {
        var shard = session.Database.FindShard(name);
        return shard >= 0
            ? shard
            : throw new SqlErrorException(SqlStates.InvalidParameterValue, $"there is no shard \"{name}\"", $"The shards are: {session.Database.ShardNames}.");
    }
}
