using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Drawing;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Spreading;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Writing;

/// <summary>Plans an INSERT … SELECT by planning its query as a statement of its own.</summary>
internal sealed class MovedRowsPlanner(PlanningContext context, Names names, Findings findings, SourceText source, TextSpan range)
{
    /// <summary>Null when it is no such statement, or its rows cannot be stored as one PostgreSQL would store them.</summary>
    public WritePlan? TryPlan(Query query)
    {
        if (query is not Insert { With: null, OverridesUserValues: false, Source: { } select and not ValuesQuery } insert || !context.Catalog.AreShardsAlike || !MayMove())
            return null;
        if (Target() is not { } target || SqlTokens.Read(source.Bytes, range.Start, range.End) is not { Count: > 0 } tokens || InsertQueryText.Cut(insert, tokens) is not { } text)
            return null;
        var table = target.Relation!;
        var columns = insert.Columns.IsEmpty ? [.. table.Columns] : insert.Columns.Select(table.FindColumn).OfType<Column>().ToImmutableArray();
        if ((!insert.Columns.IsEmpty && (columns.Length != insert.Columns.Length || columns.Any(static column => column.IsGenerated)))
            || (target.Class == RelationClass.Home ? [] : Omitted(table, columns, insert)) is not { } omitted
            || TailEdits(insert, text, tokens) is not { } edits
            || (target.Class == RelationClass.Reference && !MayStoreCopies(insert, table)))
        {
            return null;
        }
        KeyType? keyType = null;
        if (target.Distribution is { KeyColumn: { } key } distribution)
        {
            if (!RelationAnalyzer.TryKeyType(table, distribution, out keyType, out _)
                || !(columns.Any(column => column.Name == key) || omitted.Any(column => column.Name == key))
                || (distribution.ZoneColumn is { } zoneColumn && !columns.Any(column => column.Name == zoneColumn)))
            {
                return null;
            }
        }
        GlobalConflict? conflict = null;
        if (findings.GlobalConflict is not null)
        {
            conflict = new ConflictPlanner(insert, target, names, context.Catalog).TryPlan(column => columns.Contains(column) || omitted.Any(known => known.Name == column.Name));
            if (conflict is null)
                return null;
        }
        if (PlanSelect(select, text.Query) is not { } plan)
            return null;
        return new WritePlan(KeysOf(plan), new MovedRowsDraft(plan, text.Query.Start, text.Query.End, table.Name, columns, target.Distribution?.KeyColumn, keyType)
        {
            Edits = edits,
            Zone = target.Distribution is { ZoneColumn: { } zone } zoned && RelationAnalyzer.ZoneTypeOf(table, zoned) is { } zoneType ? new ZoneColumn(zone, zoneType) : null,
            IsReference = target.Class == RelationClass.Reference,
            IsListed = !insert.Columns.IsEmpty,
            ListAt = text.ListAt,
            Omitted = omitted,
            MayUpdate = insert.OnConflict is { Updates.IsEmpty: false },
            HasConflictClause = insert.OnConflict is not null,
            Conflict = conflict,
        });
    }

    private bool MayMove() =>
        (findings.Refusal is null || ReferenceEquals(findings.Refusal, findings.MissingKey) || ReferenceEquals(findings.Refusal, findings.GlobalConflict))
        && (findings.Traits & ~Traits.DrawsOnServer) == Traits.Writes;

    /// <summary>The one table written, when it is one whose rows can be stored where they belong.</summary>
    private ResolvedRelation? Target() => findings.Written is [{ Relation: { ActsOnStatements: false } } target]
        && (target is { Class: RelationClass.Sharded or RelationClass.Reference } || (target is { Class: RelationClass.Home, Relation.Kind: RelationKind.Table or RelationKind.PartitionedTable } && findings.Instances.Count > 0))
        ? target
        : null;

    /// <summary>Each shard stores the same rows: nothing in them may be computed where they are stored, but for what is the same everywhere.</summary>
    private bool MayStoreCopies(Insert insert, Relation table) =>
        !table.HasTriggers && insert.Returning.IsEmpty && insert.OnConflict is null or { Updates.IsEmpty: true }
        && table.Columns.All(column => insert.Columns.Contains(column.Name) || column.IsGenerated
            || column is { Sequence: not 0, TypeOid: TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 }
            || StatementClock.Default(column.Default) is { Length: > 0 } || (!column.IsIdentity && SteadyDefaults.IsSteady(column.Default, names)));

    /// <summary>What a shard's default would make different from one server's; null when that cannot be helped.</summary>
    private static ImmutableArray<OmittedColumn>? Omitted(Relation table, ImmutableArray<Column> columns, Insert insert)
    {
        var omitted = ImmutableArray.CreateBuilder<OmittedColumn>();
        for (var ordinal = 0; ordinal < table.Columns.Count; ordinal++)
        {
            var column = table.Columns[ordinal];
            if (!insert.Columns.IsEmpty && columns.Contains(column))
                continue;
            var place = insert.Columns.IsEmpty ? ordinal : int.MaxValue;
            if (StatementClock.Default(column.Default) is { } clock)
            {
                if (clock.Length == 0)
                    return null;
                omitted.Add(new OmittedColumn(column.Name, place, clock));
            }
            else if (column.Sequence != 0 && column.TypeOid is TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8)
            {
                omitted.Add(new OmittedColumn(column.Name, place, null)
                {
                    Drawn = new DrawnColumn(column.Name, -1, column.Sequence, column.TypeOid, column.IsIdentity),
                    OverridesSystemValues = column.IsIdentityAlways && !insert.OverridesSystemValues,
                });
            }
        }
        return omitted.ToImmutable();
    }

    /// <summary>ON CONFLICT and RETURNING run on the shards of the rows: nothing in them may need another one. Null when something does.</summary>
    private ImmutableArray<TextEdit>? TailEdits(Insert insert, InsertQueryText text, SqlTokens tokens)
    {
        if (insert.OnConflict is null && insert.Returning.IsEmpty)
            return [];
        var tail = insert.Returning.Select(static output => output.Value)
            .Concat(insert.OnConflict?.Updates.Select(static update => update.Value) ?? [])
            .Concat(insert.OnConflict?.Others ?? []);
        if (findings.Unspreadable is not null || findings.HomeFunction is not null || findings.ReadsHiddenClock || tail.Any(Subqueries.AreIn))
            return null;
        // DO UPDATE SET key: the row could belong elsewhere then.
        if (findings.StoredKeys.Exists(static stored => stored.By is StoredBy.Conflict or StoredBy.Call))
            return null;
        return StatementClock.Edits([.. findings.ClockSites.Where(site => site >= text.Query.End)], tokens);
    }

    private Plan? PlanSelect(RowQuery select, TextSpan span)
    {
        var plan = PlanSelect(context, select, span);
        if (plan is not OneShardPlan { Choice: KeyedShard } one)
            return plan;
        // The outer statement is a plan for one text, so what other keys would need is planned here and now.
        return PlanSelect(context with { IsUnconfined = true }, select, span) is { } otherwise and not OneShardPlan { Choice: KeyedShard }
            ? one with { Otherwise = otherwise }
            : one with { Otherwise = null };
    }

    private Plan? PlanSelect(PlanningContext under, RowQuery select, TextSpan span)
    {
        var queries = new QueryPlanner(under, names) { Range = (span.Start, span.End) };
        var planned = queries.Plan(select, source, "select", mayRunOnSeveral: true);
        if ((planned.Traits & ~Traits.FollowsTransaction) != Traits.None)
            return null;
        return planned.Plan switch
        {
            OneShardPlan or SpreadPlan { Merge: null } or GatherPlan => planned.Plan,
            SpreadPlan or CountEverywherePlan => queries.TryGather(select, queries.Analyze(select, source), source) as GatherPlan,
            _ => null,
        };
    }

    private static SpreadKeys KeysOf(Plan plan) => plan switch
    {
        OneShardPlan { Choice: KeyedShard keyed } => new SpreadKeys(keyed.Relations),
        SpreadPlan spread => spread.Keys,
        _ => new SpreadKeys(ImmutableArray<KeySet>.Empty),
    };
}
