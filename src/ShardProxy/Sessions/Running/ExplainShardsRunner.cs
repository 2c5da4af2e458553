using System.Globalization;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>EXPLAIN (SHARDS): says where a statement would go, and runs nothing of it. A row for each key found, at least one.</summary>
public sealed class ExplainShardsRunner
{
    // All text, so that both formats of the protocol have the same bytes.
    private static readonly FieldDescription[] Columns =
        [.. ((string[])["plan", "shard", "key", "found", "bucket", "key_shard", "reason", "hint"]).Select(static name => new FieldDescription(name, 25, -1))];

    private readonly Session _session;

    // Which of its text's statements is asked about.
    private int _statement;

    public ExplainShardsRunner(Session session) => _session = session;

    public static ReadOnlySpan<FieldDescription> Fields => Columns;

    public bool Run(ExplainShardsPlan plan, StatementText text)
    {
        _statement = text.IndexIn(_session.Scanner);
        return Answer(Rows(plan.Inner.Plan, new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText, Places = _session.Places }));
    }

    /// <summary>As bound in the extended protocol, with the parameters' values.</summary>
    public async ValueTask<bool> RunAsync(ExplainShardsPlan plan, ClientPortal portal, StatementText text)
    {
        _statement = 0;
        if (Routing.NeedsPlaces(_session, plan, Values(portal, text)))
            await Routing.PlaceAsync(_session, mayPlace: false);
        return Answer(Rows(plan.Inner.Plan, Values(portal, text)));
    }

    private StatementValues Values(ClientPortal portal, StatementText text)
    {
        if (!BindMessage.TryRead(portal.Bind.Span, out var bind))
            return new StatementValues(text.Whole.Span, _session.Scanner) { IsConverted = _session.ConvertsText, Places = _session.Places };
        return new StatementValues(text.Whole.Span, _session.Scanner, bind, portal.Statement.Text.ParameterTypes) { IsConverted = _session.ConvertsText, Places = _session.Places };
    }

    private bool Answer(List<string?[]> rows)
    {
        if (!_session.Relay.DropsRowDescription)
            RowDescriptionMessage.Write(_session.Client.Output, Columns);
        foreach (var row in rows)
            DataRowMessage.Write(_session.Client.Output, row);
        _session.WriteTag("EXPLAIN"u8);
        return true;
    }

    private List<string?[]> Rows(Plan plan, in StatementValues values)
    {
        var directory = _session.Planning().Routing.Directory;
        var (word, shard, refusal) = Decide(plan, values, out var sets);
        var rows = new List<string?[]>();
        foreach (var mention in KeyMentions.Of(sets, directory, values))
        {
            rows.Add(
            [
                word, shard, mention.Key, mention.Found + (mention.IsStored ? ", stored" : ""),
                mention.Bucket < 0 ? null : mention.Bucket.ToString(CultureInfo.InvariantCulture),
                mention.Bucket < 0 ? null : _session.Database.ShardName(directory.ShardOfBucket(mention.Bucket)),
                refusal?.Reason, refusal?.Hint,
            ]);
        }
        if (rows.Count == 0)
            rows.Add([word, shard, null, null, null, null, refusal?.Reason, refusal?.Hint]);
        return rows;
    }

    private (string Word, string? Shard, RefusedPlan? Refusal) Decide(Plan plan, in StatementValues values, out IReadOnlyList<KeySet> sets)
    {
        var database = _session.Database;
        sets = plan switch
        {
            OneShardPlan { Choice: KeyedShard keyed } => keyed.Relations,
            SeveralShardsPlan { Keys.Sets: { } keys } => keys,
            DeclarePlan { Query.Keys.Sets: { } keys } => keys,
            CursorPlan { Inner: KeyedShard keyed } => keyed.Relations,
            _ => [],
        };
        if (Routing.IsForHint(plan, _session) && Routing.TryHint(_session, values.Text, out var hinted))
            return ("one shard, by a hint", database.ShardName(hinted), null);
        switch (plan)
        {
            case OneShardPlan one:
                return DecideOne(one, values);
            case ReplanPlan:
                return Decide(Replanned(values, hasClockValues: false), values, out sets);
            case SpreadPlan or CountEverywherePlan when ClockValues.AreIn(values):
                return Decide(Replanned(values, hasClockValues: true), values, out sets);
            case CursorPlan { Inner: { } choice }:
                return DecideOne(new OneShardPlan(choice) { Otherwise = choice is KeyedShard ? ReplanPlan.Instance : null }, values);
            case DeclarePlan declare:
                return Decide(declare.Query, values, out sets);
            case SpreadPlan spread:
                var shards = ShardBinder.Shards(spread.Keys, _session.Planning().Routing.Directory, database.ShardCount, values, Database.HomeShard);
                return ("several shards, put together", string.Join(", ", shards.Select(database.ShardName)), null);
            case WritePlan { Draft: SplitRowsDraft split } when RefusalOf(split, values) is { } unstored:
                return ("refused", null, unstored);
            case WritePlan write:
                var written = ShardBinder.Shards(write.Keys, _session.Planning().Routing.Directory, database.ShardCount, values, Database.HomeShard);
                return (WordOf(write.Draft), string.Join(", ", written.Select(database.ShardName)), null);
            case RefusedPlan refused:
                return ("refused", null, refused);
            case UnreadPlan unread:
                return ("refused", null, new RefusedPlan(SqlStates.SyntaxError, unread.Message, null));
            default:
                return (WordOf(plan), OnEveryShard(plan) ? database.ShardNames : null, null);
        }
    }

    // The refusal of a statement that is explained is an answer.
    private Plan Replanned(in StatementValues values, bool hasClockValues) =>
        Routing.Replan(_session, values.Text, _statement, hasClockValues).Plan is ExplainShardsPlan { Inner.Plan: { } plan } ? plan : EmptyPlan.Instance;

    private RefusedPlan? RefusalOf(SplitRowsDraft split, in StatementValues values)
    {
        foreach (var row in split.Rows)
        {
            if (ShardBinder.Choose(new KeyedShard([row.Key], RequireKey: true), _session.Planning().Routing.Directory, values, Database.HomeShard, out _, out var refusal) != BindResult.Bound)
                return refusal;
        }
        return null;
    }

    private (string Word, string? Shard, RefusedPlan? Refusal) DecideOne(OneShardPlan one, in StatementValues values)
    {
        try
        {
            var chosen = Routing.Choose(_session, one, values, out var shard);
            if (!ReferenceEquals(chosen, one))
                return Decide(chosen, values, out _);
            var word = one.Choice switch
            {
                KeyedShard => "one shard, by the key",
                HomeShard => "the home shard",
                _ => "any shard",
            };
            return (word, _session.Database.ShardName(shard), null);
        }
        catch (SqlErrorException exception)
        {
            return ("refused", null, new RefusedPlan(exception.Error.SqlState, exception.Error.Message, exception.Error.Hint));
        }
    }

    private static bool OnEveryShard(Plan plan) => plan is EveryShardPlan or CountEverywherePlan or InsertEverywherePlan or CopyPlan or GatherPlan;

    private static string WordOf(WriteDraft draft) => draft switch
    {
        SplitRowsDraft => "several shards, each row to its own, in one transaction",
        OneShardDraft => "one shard, by the key, and the shards of its unique values, in one transaction",
        MovedRowsDraft => "the query's shards, and from there each row to its own, in one transaction",
        KeyUpdateDraft => "several shards, each its own rows, and rows with a key of another shard move there, in one transaction",
        ReferenceDraft { IsFromHome: true } => "the home shard, and its rows on every other, in one transaction",
        ReferenceDraft => "every shard, the same rows, in one transaction",
        _ => "several shards, each its own rows, in one transaction",
    };

    private static string WordOf(Plan plan) => plan switch
    {
        EveryShardPlan => "every shard",
        CountEverywherePlan => "every shard, counts added up",
        GatherPlan => "rows gathered, and the statement run over them",
        InsertEverywherePlan => "every shard, each keeps its own rows",
        CopyPlan { From: true, KeyOrdinal: >= 0 } => "every row to its shard",
        CopyPlan => "every shard",
        TransactionPlan => "the shards of the transaction",
        _ => "the proxy itself",
    };
}
