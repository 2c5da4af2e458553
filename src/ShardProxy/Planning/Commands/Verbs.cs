using System.Text;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>The words for a command in logs and metrics.</summary>
internal static class Verbs
{
    public static string Of(SyntaxNode node) => node.Kind switch
    {
        "CreateStmt" => "create table",
        "CreateTableAsStmt" => node.Text("objtype") == "OBJECT_MATVIEW" ? "create materialized view" : "create table as",
        "IndexStmt" => "create index",
        "ViewStmt" => "create view",
        "CreateSeqStmt" => "create sequence",
        "CreateTrigStmt" => "create trigger",
        "RuleStmt" => "create rule",
        "CreateStatsStmt" => "create statistics",
        "CreatedbStmt" => "create database",
        "DropdbStmt" => "drop database",
        "DropStmt" => "drop " + Object(node.Text("removeType")),
        "RenameStmt" => "alter " + Object(node.Text("renameType")),
        "AlterTableStmt" => "alter " + Object(node.Text("objtype")),
        "AlterObjectSchemaStmt" or "AlterOwnerStmt" or "AlterObjectDependsStmt" => "alter " + Object(node.Text("objectType")),
        "CommentStmt" => "comment",
        "VacuumStmt" => node.Flag("is_vacuumcmd") ? "vacuum" : "analyze",
        "LockStmt" => "lock",
        "GrantStmt" or "GrantRoleStmt" => node.Flag("is_grant") ? "grant" : "revoke",
        "RefreshMatViewStmt" => "refresh materialized view",
        "CheckPointStmt" => "checkpoint",
        "DefineStmt" => "create " + Object(node.Text("kind")),
        "CompositeTypeStmt" or "CreateEnumStmt" or "CreateRangeStmt" => "create type",
        "AlterEnumStmt" => "alter type",
        _ => Words(node.Kind),
    };

    private static string Object(string? type) =>
        type is null ? "object" : type.Replace("OBJECT_", "", StringComparison.Ordinal).Replace('_', ' ').ToLowerInvariant();

    /// <summary>"CreateForeignTableStmt" as "create foreign table".</summary>
    private static string Words(string kind)
    {
        var words = new StringBuilder();
        var end = kind.EndsWith("Stmt", StringComparison.Ordinal) ? kind.Length - 4 : kind.Length;
        for (var index = 0; index < end; index++)
        {
            if (index > 0 && char.IsAsciiLetterUpper(kind[index]))
                words.Append(' ');
            words.Append(char.ToLowerInvariant(kind[index]));
        }
        return words.ToString();
    }
}
