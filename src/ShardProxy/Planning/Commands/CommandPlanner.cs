using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Plans a statement of any kind: queries here, each group of commands in a class of its own.</summary>
internal sealed class CommandPlanner
{
    public CommandPlanner(PlanningContext context, SourceText source)
    {
        Context = context;
        Source = source;
        Names = new Names(context);
        Queries = new QueryPlanner(context, Names);
        Placement = new Placement(context, Names);
    }

    public PlanningContext Context { get; }
    public SourceText Source { get; }
    public Names Names { get; }

    /// <summary>The statement that is being planned, as written.</summary>
    public ReadOnlyMemory<byte> StatementText => Source.Bytes[Queries.Range.Start..Queries.Range.End].ToArray();

    public QueryPlanner Queries { get; }
    public Placement Placement { get; }

    /// <summary>Set to false by a plan that depends on more than the shape.</summary>
    public bool Cacheable { get; set; } = true;

    public PlannedStatement Plan(ParsedStatement statement)
    {
        Queries.Range = (statement.Start, statement.End);
        return statement.Statement switch
        {
            QueryStatement query => Queries.PlanStatement(query.Query, Source),
            UtilityStatement utility => PlanUtility(utility.Node, statement.Start, statement.End),
            _ => throw new InvalidOperationException(),
        };
    }

    /// <summary>A statement inside another (EXPLAIN, PREPARE).</summary>
    public PlannedStatement PlanInner(SyntaxNode node, int start, int end) => SqlParser.ReadStatement(node) switch
    {
        QueryStatement query => Queries.Plan(query.Query, Source),
        var other => Plan(new ParsedStatement(other, start, end)),
    };

    private PlannedStatement PlanUtility(SyntaxNode node, int start, int end)
    {
        var verb = Verbs.Of(node);
        return TransactionCommands.TryPlan(node)
            ?? SettingCommands.TryPlan(this, node, start, end)
            ?? SessionCommands.TryPlan(this, node, start, end)
            ?? CopyCommand.TryPlan(this, node, start, end)
            ?? RoleCommands.TryPlan(this, node, start, end)
            ?? RoutineCommands.TryPlan(this, node, start, end)
            ?? TableCommands.TryPlan(this, node)
            ?? ObjectCommands.TryPlan(this, node)
            ?? new PlannedStatement(
                Context.Directory.HasShardedTables
                    ? Refusals.Of($"{verb} is not known to the proxy", Refusals.KeyHint)
                    : new OneShardPlan(HomeShard.Instance),
                Traits.Writes | Traits.ChangesCatalog | Traits.Taints,
                verb);
    }
}
