using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Gathering;

/// <summary>What the walks over a statement and its views share.</summary>
/// <param name="analysis">Of the statement.</param>
internal sealed class GatherContext(PlanningContext planning, Names names, Confinement.StatementAnalysis analysis)
{
    private readonly Dictionary<Directory.QualifiedName, bool> _views = [];

    public PlanningContext Planning { get; } = planning;

    public Names Names { get; } = names;

    public GatherSurvey Survey { get; } = new();

    public Confinement.StatementAnalysis Analysis { get; } = analysis;

    /// <summary>Set where the statement is to run on a server that has none of its tables.</summary>
    public ServerSurvey? Server { get; init; }

    public KeyLinks Links { get; } = new(analysis);

    /// <summary>Whether something else stands in the relation's place: a sharded table, or a view that reads one.</summary>
    public bool IsSpliced(ResolvedRelation relation) => relation.Class switch
    {
        RelationClass.Sharded => true,
        RelationClass.View => ReadsSharded(relation) || (Server is not null && ServerSurvey.IsReadable(relation)),
        _ => Server is not null && ServerSurvey.IsReadable(relation),
    };

    /// <summary>The view's query stands in its place, because it reads sharded tables.</summary>
    public bool IsExpanded(ResolvedRelation relation) => relation.Class == RelationClass.View && ReadsSharded(relation);

    /// <summary>A view's query; null when it cannot be read.</summary>
    public static Query? QueryOf(ResolvedRelation view) =>
        SqlParser.Parse(System.Text.Encoding.UTF8.GetBytes(view.Relation!.ViewDefinition!)) is SyntaxTree { Statements: [{ Statement: QueryStatement { Query: var query } }] }
            ? query
            : null;

    private bool ReadsSharded(ResolvedRelation view)
    {
        if (_views.TryGetValue(view.Name, out var known))
            return known;
        // A ring of views, which PostgreSQL does not allow, would end here.
        _views[view.Name] = false;
        var analysis = new Confinement.StatementAnalysis(Planning, Names);
        analysis.Relations.Read(view, new Confinement.FactScope(null));
        var reads = analysis.Findings.Instances.Count > 0 || analysis.Findings.Refusal is not null;
        _views[view.Name] = reads;
        return reads;
    }
}
