using System.Collections.Frozen;
using ShardProxy.Planning.Confinement;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Objects that are no relations: types, functions and the like are on every shard; what concerns one server is on the home shard.</summary>
internal static class ObjectCommands
{
    private const Traits Ddl = Traits.Writes | Traits.ChangesCatalog;

    private static readonly FrozenSet<string> Everywhere = new[]
    {
        "CompositeTypeStmt", "CreateEnumStmt", "AlterEnumStmt", "CreateRangeStmt", "AlterTypeStmt", "DefineStmt",
        "CreateDomainStmt", "AlterDomainStmt", "CreateFunctionStmt", "AlterFunctionStmt", "CreateCastStmt",
        "CreateConversionStmt", "CreateOpClassStmt", "CreateOpFamilyStmt", "AlterOpFamilyStmt", "AlterOperatorStmt",
        "CreateExtensionStmt", "AlterExtensionStmt", "AlterExtensionContentsStmt", "CreateSchemaStmt", "CreatePLangStmt",
        "CreateTransformStmt", "CreateAmStmt", "CreateEventTrigStmt", "AlterEventTrigStmt", "AlterTSDictionaryStmt",
        "AlterTSConfigurationStmt", "AlterCollationStmt", "AlterStatsStmt", "RenameStmt", "AlterObjectSchemaStmt",
        "AlterOwnerStmt", "AlterObjectDependsStmt", "AlterDatabaseSetStmt",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> OnHome = new[]
    {
        "CreatePublicationStmt", "AlterPublicationStmt", "CreateSubscriptionStmt", "AlterSubscriptionStmt", "DropSubscriptionStmt",
        "CreateFdwStmt", "AlterFdwStmt", "CreateForeignServerStmt", "AlterForeignServerStmt", "CreateUserMappingStmt",
        "AlterUserMappingStmt", "DropUserMappingStmt", "ImportForeignSchemaStmt", "AlterDatabaseStmt", "AlterDatabaseRefreshCollStmt",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> AloneOnHome = new[]
    {
        "CreatedbStmt", "DropdbStmt", "CreateTableSpaceStmt", "DropTableSpaceStmt", "AlterTableSpaceOptionsStmt", "AlterSystemStmt",
    }.ToFrozenSet(StringComparer.Ordinal);

    public static PlannedStatement? TryPlan(CommandPlanner planner, SyntaxNode node)
    {
        var verb = Verbs.Of(node);
        if (node.Is("CheckPointStmt"))
            return new PlannedStatement(new EveryShardPlan(null), Traits.None, verb);
        if (node.Is("CreateSchemaStmt") && node.List("schemaElts").Any())
        {
            return new PlannedStatement(
                planner.Context.Directory.HasShardedTables
                    ? Refusals.Of("CREATE SCHEMA with the schema's objects is not supported", "Create the schema first, and its objects after.")
                    : new OneShardPlan(HomeShard.Instance),
                Ddl,
                verb);
        }
        if (node.Is("CreateFunctionStmt"))
            return PlanFunction(planner, node, verb);
        if (Everywhere.Contains(node.Kind))
            return NewNames.NoteObject(planner, node, new PlannedStatement(new EveryShardPlan(null), Ddl, verb));
        if (OnHome.Contains(node.Kind))
            return new PlannedStatement(new OneShardPlan(HomeShard.Instance), Ddl, verb);
        return AloneOnHome.Contains(node.Kind)
            ? new PlannedStatement(new OneShardPlan(HomeShard.Instance), Traits.Writes | Traits.NotInTransaction, verb)
            : null;
    }

    // The body is a literal, which the shape of the statement does not have.
    private static PlannedStatement PlanFunction(CommandPlanner planner, SyntaxNode node, string verb)
    {
        var (start, end) = planner.Queries.Range;
        planner.Source.MarkSensitive(start, end);
        var name = node.List("funcname").LastOrDefault().StringValue;
        var findings = new Findings();
        new FunctionSurvey(planner.Context, planner.Names, findings)
            .SurveyBody($"the function {name}()", System.Text.Encoding.UTF8.GetString(planner.Source.Bytes[start..end]), mayWrite: true);
        return new PlannedStatement(new EveryShardPlan(null), Ddl, verb) { Defines = name, DefinesOverShards = findings.Refusal is not null };
    }
}
