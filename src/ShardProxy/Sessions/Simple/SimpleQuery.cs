using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Simple;

/// <summary>
/// A simple Query on the general path: its statements are routed one by one. Several statements outside a block are one
/// implicit block, as in PostgreSQL: begun before the first, committed after the last, undone by the first error; a
/// COMMIT or ROLLBACK in their midst ends it and what follows begins another.
/// </summary>
public sealed class SimpleQuery
{
    private readonly Session _session;
    private readonly StatementRunner _runner;

    public SimpleQuery(Session session, StatementRunner runner)
    {
        _session = session;
        _runner = runner;
    }

    public async ValueTask RunAsync(ReadOnlyMemory<byte> sql)
    {
        var succeeded = await RunStatementsAsync(sql);
        await _runner.Transactions.EndImplicitAsync(succeeded);
        _session.Prepared.ForgetUnnamed();
        if (!_session.Transaction.IsOpen)
            _session.Prepared.ClearPortals();
        _session.WriteReady();
        _session.Servers.ReleaseIdle();
    }

    private async ValueTask<bool> RunStatementsAsync(ReadOnlyMemory<byte> sql)
    {
        StatementTemplate template;
        try
        {
            _session.Scanner.Scan(sql.Span, _session.StandardConformingStrings);
            template = await Routing.TemplateAsync(_session, sql);
        }
        catch (SqlErrorException exception)
        {
            _runner.Fail(exception.Error);
            return false;
        }
        var statements = template.Statements;
        if (statements.Length == 0)
        {
            EmptyQueryResponseMessage.Write(_session.Client.Output);
            return true;
        }
        // A text that could not be read as a whole is one statement as far as anybody here knows.
        var isWhole = statements.Length != _session.Scanner.StatementCount;
        for (var i = 0; i < statements.Length; i++)
        {
            // Running the one before may have had the scanner read another text (EXECUTE reads what was prepared).
            if (i > 0)
                _session.Scanner.Scan(sql.Span, _session.StandardConformingStrings);
            var (start, end) = isWhole ? (0, sql.Length) : _session.Scanner.GetStatement(i);
            if (!TryBeginImplicit(statements[i], isAlone: statements.Length == 1)
                || !await _runner.RunAsync(statements[i], new StatementText(sql, start, end)))
            {
                return false;
            }
        }
        return true;
    }

    // A statement by itself is in an implicit block too when it ends a pipeline.
    private bool TryBeginImplicit(PlannedStatement next, bool isAlone)
    {
        var transaction = _session.Transaction;
        if (isAlone && !transaction.IsImplicit)
            return true;
        if ((next.Traits & Traits.NotInTransaction) != 0 && (!transaction.IsOpen || transaction.IsImplicit))
        {
            _runner.Fail(new ServerError(SqlStates.ActiveSqlTransaction, $"{next.Verb.ToUpperInvariant()} cannot be executed from a function or multi-command string"));
            return false;
        }
        if (!transaction.IsOpen && next.Plan is not TransactionPlan)
            transaction.BeginImplicit(_session.Settings);
        return true;
    }
}
