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
        return new PlannedStatement(new TransactionPlan(verb, node.Text("savepoint_name") ?? node.Text("gid"), node.Flag("chain")), Traits.None, words);
    }
}
