using System.Buffers;
using System.Text;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>Roles and privileges. A clear password is hashed here, once, so that the verifier is the same on every shard.</summary>
internal static class RoleCommands
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    public static PlannedStatement? TryPlan(CommandPlanner planner, SyntaxNode node, int start, int end)
    {
        var verb = Verbs.Of(node);
        switch (node.Kind)
        {
            case "CreateRoleStmt":
            case "AlterRoleStmt":
                return new PlannedStatement(PlanPassword(planner, node, start, end), Traits.Writes | Traits.ChangesCatalog, verb);
            case "AlterRoleSetStmt":
            case "DropRoleStmt":
            case "GrantRoleStmt":
            case "AlterDefaultPrivilegesStmt":
            case "ReassignOwnedStmt":
            case "DropOwnedStmt":
                return new PlannedStatement(new EveryShardPlan(null), Traits.Writes | Traits.ChangesCatalog, verb);
            case "GrantStmt":
                return PlanGrant(planner, node, verb);
            default:
                return null;
        }
    }

    private static PlannedStatement PlanGrant(CommandPlanner planner, SyntaxNode node, string verb)
    {
        var ofRelations = node.Text("objtype") is "OBJECT_TABLE" or "OBJECT_SEQUENCE";
        if (!ofRelations || node.Text("targtype") != "ACL_TARGET_OBJECT")
            return new PlannedStatement(new EveryShardPlan(null), Traits.Writes, verb);
        return planner.Placement.Over(node.List("objects").Select(QueryReader.ReadTableName), Traits.Writes, verb);
    }

    private static Plan PlanPassword(CommandPlanner planner, SyntaxNode node, int start, int end)
    {
        foreach (var option in node.List("options"))
        {
            if (option.Text("defname") != "password")
                continue;
            // The verifier has a random salt, and a hashed password is told from a clear one by its value.
            planner.Cacheable = false;
            if (option.Node("arg").StringValue is not { Length: > 0 } password || IsHashed(password))
                break;
            if (planner.Context.PasswordVerifier is not { } verifier || planner.Source.LiteralRange(option.Location) is not var (literalStart, literalEnd))
                return Refusals.Of("the password cannot be hashed here", "Give it as a SCRAM-SHA-256 verifier.");
            var sql = planner.Source.Bytes;
            return new EveryShardPlan(
                Encoding.UTF8.GetString(sql[start..literalStart]) + Identifiers.Literal(verifier(password)) + Encoding.UTF8.GetString(sql[literalEnd..end]));
        }
        return new EveryShardPlan(null);
    }

    /// <summary>get_password_type of PostgreSQL's crypt.c.</summary>
    private static bool IsHashed(string password) =>
        password.StartsWith("SCRAM-SHA-256$", StringComparison.Ordinal)
        || (password.Length == 35 && password.StartsWith("md5", StringComparison.Ordinal) && password.AsSpan(3).IndexOfAnyExcept(HexDigits) < 0);
}
