using System.Collections.Immutable;
using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Drawing;
using ShardProxy.Planning.Gathering;
using ShardProxy.Planning.Writing;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>COPY of a table or a query.</summary>
internal static class CopyCommand
{
    private const string Verb = "copy";

    public static PlannedStatement? TryPlan(CommandPlanner planner, SyntaxNode node, int start, int end)
    {
        if (!node.Is("CopyStmt"))
            return null;
        // Options are literals: another delimiter is another plan.
        planner.Source.MarkSensitive(start, end);
        var onServer = node.Has("filename") || node.Flag("is_program");
        var from = node.Flag("is_from");
        var query = node.Node("query");
        if (query.Exists)
            return PlanQuery(planner, query, onServer);
        var relation = planner.Names.Resolve(QueryReader.ReadTableName(node.Node("relation")));
        var traits = from ? Traits.Writes : Traits.None;
        if (relation.Class == RelationClass.Unknown)
            traits |= Traits.NamesUnknownRelation;
        if (planner.Names.ProblemOf(relation) is { } problem)
            return new PlannedStatement(Refusals.Of(problem.Reason, problem.Hint), traits, Verb);
        if (relation.Distribution is not { } table)
            return new PlannedStatement(new OneShardPlan(HomeShard.Instance), traits, Verb);
        if (onServer)
        {
            var refusal = Refusals.Of(
                $"COPY with a file or program of the server works on one shard only, and \"{relation.Name.Name}\" is on all of them",
                "Use COPY … FROM STDIN or TO STDOUT, or \\copy in psql.");
            return new PlannedStatement(refusal, traits, Verb);
        }
        if (relation.Relation is not { } known)
            return new PlannedStatement(Refusals.MissingRelation(relation.Name), traits | Traits.NamesUnknownRelation, Verb);
        return new PlannedStatement(PlanTable(node, known, table, planner.Names, from), traits, Verb);
    }

    private static PlannedStatement PlanQuery(CommandPlanner planner, SyntaxNode node, bool onServer)
    {
        var query = QueryReader.Read(node);
        var inner = planner.Queries.Plan(query, planner.Source, Verb);
        // Rows that the proxy would put together itself are gathered, for it is the server that writes COPY's formats.
        if (inner.Plan is not (OneShardPlan or RefusedPlan or GatherPlan)
            && planner.Queries.TryGather(query, planner.Queries.Analyze(query, planner.Source), planner.Source) is { } gather)
        {
            inner = inner with { Plan = gather };
        }
        if (onServer && inner.Plan is OneShardPlan { Choice: not HomeShard })
        {
            return inner with
            {
                Plan = inner.Plan is OneShardPlan { Choice: AnyShard }
                    ? new OneShardPlan(HomeShard.Instance)
                    : Refusals.Of("the file would be written on whichever shard the query runs", "Use COPY … TO STDOUT, or \\copy in psql."),
            };
        }
        // What the server is asked to write is no SELECT, so that nothing would prove that it means the same elsewhere.
        if (inner.Plan is GatherPlan gathered)
            return inner with { Plan = gathered with { Beside = null } };
        return inner.Plan is OneShardPlan or RefusedPlan
            ? inner
            : inner with { Plan = Refusals.Of("COPY of this query has no one shard to run on", "Run the query by itself.") };
    }

    private static Plan PlanTable(SyntaxNode node, Relation relation, TableDistribution table, Names names, bool from)
    {
        var isReference = table.Kind == TableKind.Reference;
        if (isReference && !from)
            return new OneShardPlan(AnyShard.Instance);
        var columns = node.Names("attlist");
        if (columns.Count == 0)
            columns = [.. relation.Columns.Where(static column => !column.IsGenerated).Select(static column => column.Name)];
        var options = CopyOptionReader.Read(node, table, out var refusal);
        if (options is null)
            return refusal!;
        var drawn = from ? Drawn(relation, columns) : [];
        if (isReference && !drawn.IsEmpty)
        {
            return Refusals.Of(
                $"each shard would number the rows of the reference table \"{relation.Name.Name}\" by itself",
                $"Add {drawn[0].Name} to the column list.");
        }
        if (isReference && relation.Columns.FirstOrDefault(column => !columns.Contains(column.Name) && !SteadyDefaults.IsSteady(column.Default, names)) is { } unsteady)
        {
            return Refusals.Of(
                $"each shard would give the rows of the reference table \"{relation.Name.Name}\" a {unsteady.Name} of its own",
                $"Add {unsteady.Name} to the column list.");
        }
        if (isReference)
            return new CopyPlan(from, table, -1, null, columns.Count, options);
        if (!RelationAnalyzer.TryKeyType(relation, table, out var keyType, out refusal))
            return refusal!;
        // Rows of keys that have no place yet are held back, and their shards number them.
        if (keyType!.Placement is LookupPlacement)
            drawn = [];
        if (!drawn.IsEmpty && options.Header == CopyHeader.Match)
            return Refusals.Of("COPY with HEADER MATCH cannot leave out a column that is drawn from a sequence", $"Add {drawn[0].Name} to the data, or use HEADER.");
        var clocked = from ? ClockColumn.Of(relation, columns) : [];
        if (!clocked.IsEmpty && options.Header == CopyHeader.Match)
            return Refusals.Of($"COPY with HEADER MATCH cannot leave out a column whose default is the time, for each shard would read its own", $"Add {clocked[0].Name} to the data, or use HEADER.");
        var ordinal = columns.Concat(drawn.Select(static column => column.Name)).ToList().IndexOf(table.KeyColumn!);
        if (from && ordinal < 0)
        {
            return Refusals.Of(
                $"the columns copied do not contain {table.KeyColumn}, by which \"{relation.Name.Name}\" is sharded",
                $"Add {table.KeyColumn} to the column list.");
        }
        var zoneOrdinal = table.ZoneColumn is { } zone ? columns.IndexOf(zone) : -1;
        if (from && keyType.Zones is not null && zoneOrdinal < 0)
        {
            return Refusals.Of(
                $"the columns copied do not contain {table.ZoneColumn}, which says the zones of \"{relation.Name.Name}\"",
                $"Add {table.ZoneColumn} to the column list.");
        }
        return new CopyPlan(from, table, ordinal, keyType, columns.Count, options)
        {
            Drawn = drawn,
            Clocked = clocked,
            ZoneOrdinal = zoneOrdinal,
            ZoneType = RelationAnalyzer.ZoneTypeOf(relation, table),
        };
    }

    private static ImmutableArray<DrawnColumn> Drawn(Relation relation, List<string> copied) =>
    [
        .. relation.Columns
            .Where(column => column is { Sequence: not 0, TypeOid: TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 } && !copied.Contains(column.Name))
            .Select(static column => new DrawnColumn(column.Name, -1, column.Sequence, column.TypeOid, column.IsIdentity)),
    ];
}
