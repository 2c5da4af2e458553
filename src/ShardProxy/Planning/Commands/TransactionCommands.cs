using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Commands;

/// <summary>BEGIN, COMMIT, ROLLBACK, savepoints and two-phase commit by hand.</summary>
internal static class TransactionCommands
{
    public static PlannedStatement? TryPlan(SyntaxNode node)
    {
        if (!node.Is("TransactionStmt"))
            return null;
        var (verb, words) = node.Text("kind") switch
        {
            "TRANS_STMT_COMMIT" => (TransactionVerb.Commit, "commit"),
            "TRANS_STMT_ROLLBACK" => (TransactionVerb.Rollback, "rollback"),
            "TRANS_STMT_SAVEPOINT" => (TransactionVerb.Savepoint, "savepoint"),
            "TRANS_STMT_RELEASE" => (TransactionVerb.Release, "release"),
            "TRANS_STMT_ROLLBACK_TO" => (TransactionVerb.RollbackTo, "rollback to"),
            "TRANS_STMT_PREPARE" => (TransactionVerb.PrepareTransaction, "prepare transaction"),
            "TRANS_STMT_COMMIT_PREPARED" => (TransactionVerb.CommitPrepared, "commit prepared"),
            "TRANS_STMT_ROLLBACK_PREPARED" => (TransactionVerb.RollbackPrepared, "rollback prepared"),
            _ => (TransactionVerb.Begin, "begin"),
        };
        var plan = new TransactionPlan(verb, node.Text("savepoint_name") ?? node.Text("gid"), node.Flag("chain")) { Characteristics = Characteristics(node) };
        return new PlannedStatement(plan, Traits.None, words);
    }

    private static string? Characteristics(SyntaxNode node)
    {
        var modes = node.List("options").Select(Mode).ToList();
        return modes.Count == 0 ? null : "SET TRANSACTION " + string.Join(", ", modes);
    }

    private static string Mode(SyntaxNode option)
    {
        var value = ExpressionReader.ReadOptional(option.Node("arg")) as Constant;
        // READ ONLY and DEFERRABLE are written as the integers 1 and 0.
        var isOn = option.Node("arg").Node("ival").Number("ival", 0) != 0;
        return option.Text("defname") switch
        {
            "transaction_isolation" => "ISOLATION LEVEL " + value?.Text?.ToUpperInvariant(),
            "transaction_read_only" => isOn ? "READ ONLY" : "READ WRITE",
            _ => isOn ? "DEFERRABLE" : "NOT DEFERRABLE",
        };
    }
}
