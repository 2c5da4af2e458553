using ShardProxy.Catalog;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Where relations stand, for commands that work on them as a whole.</summary>
internal sealed class Placement(PlanningContext context, Names names)
{
    // Only to be shown.
    private const int MaximumSubject = 200;

    /// <summary>A command over a list of relations: on every shard if all are there, on the home shard if none is.</summary>
    public PlannedStatement Over(IEnumerable<TableName> relations, Traits traits, string verb)
    {
        string? everywhere = null;
        string? home = null;
        string? subject = null;
        foreach (var relation in relations)
        {
            var resolved = names.Resolve(relation);
            if (resolved.Class == RelationClass.Unknown)
                traits |= Traits.NamesUnknownRelation;
            if (IsEverywhere(resolved))
            {
                everywhere ??= resolved.Name.Name;
                subject = subject is null ? resolved.Name.ToString() : subject.Length < MaximumSubject ? $"{subject}, {resolved.Name}" : subject;
            }
            else
                home ??= resolved.Name.Name;
        }
        if (everywhere is not null && home is not null)
        {
            return new PlannedStatement(
                Refusals.Of($"\"{everywhere}\" is on every shard and \"{home}\" on the home shard only", $"Split the {verb.ToUpperInvariant()} into one statement for each."),
                traits,
                verb);
        }
        return new PlannedStatement(everywhere is null ? new OneShardPlan(HomeShard.Instance) : new EveryShardPlan(null) { Subject = subject }, traits, verb);
    }

    public PlannedStatement Over(TableName relation, Traits traits, string verb) => Over([relation], traits, verb);

    public bool IsEverywhere(TableName relation) => IsEverywhere(names.Resolve(relation));

    public bool IsEverywhere(ResolvedRelation relation)
    {
        if (relation.Class is RelationClass.Sharded or RelationClass.Reference)
            return true;
        if (relation.Class == RelationClass.View)
            return !NeedsHome(relation);
        // An index or an owned sequence stands where its table does.
        return relation.Relation is { Table: { } table } ? IsEverywhere(names.Resolve(table.Schema, table.Name))
            : relation.Relation is { Kind: RelationKind.Sequence, Oid: var sequence } && context.DrawsFrom(sequence);
    }

    /// <summary>A query that a view is made of: on every shard unless it reads what only the home shard has.</summary>
    public static bool NeedsHome(Findings findings) => findings.HomeRelations.Count > 0 || findings.HomeFunction is not null;

    public Findings Examine(Query query, SourceText source)
    {
        var analysis = new StatementAnalysis(context, names);
        analysis.Analyze(query, source);
        return analysis.Findings;
    }

    private bool NeedsHome(ResolvedRelation view)
    {
        var analysis = new StatementAnalysis(context, names);
        analysis.Relations.Read(view, new FactScope(null));
        return NeedsHome(analysis.Findings);
    }
}
