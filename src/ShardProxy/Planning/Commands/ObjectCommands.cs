using System.Collections.Frozen;
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
        if (Everywhere.Contains(node.Kind))
            return new PlannedStatement(new EveryShardPlan(null), Ddl, verb);
        if (OnHome.Contains(node.Kind))
            return new PlannedStatement(new OneShardPlan(HomeShard.Instance), Ddl, verb);
        return AloneOnHome.Contains(node.Kind)
            ? new PlannedStatement(new OneShardPlan(HomeShard.Instance), Traits.Writes | Traits.NotInTransaction, verb)
            : null;
    }
}
