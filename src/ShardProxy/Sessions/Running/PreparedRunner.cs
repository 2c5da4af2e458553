using System.Text;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// SQL-level PREPARE, EXECUTE and DEALLOCATE. They share names with the protocol's prepared statements, as in PostgreSQL;
/// on a server the statement has the proxy's name for its text, so EXECUTE is sent with that name in place of the client's.
/// </summary>
public sealed class PreparedRunner
{
    private readonly Session _session;
    private readonly StatementRunner _runner;
    private readonly SpreadExecute _spread;

    public PreparedRunner(Session session, StatementRunner runner)
    {
        _session = session;
        _runner = runner;
        _spread = new SpreadExecute(session, runner);
    }

    /// <summary>Format codes that Bind asked for of an EXECUTE that the proxy runs itself.</summary>
    public IReadOnlyList<short> Formats { get; set; } = [];

    public ValueTask<bool> RunAsync(PlannedStatement planned, StatementText text) => planned.Plan switch
    {
        PreparePlan prepare => PrepareAsync(prepare, text),
        ExecutePlan execute => ExecuteAsync(execute, planned, text),
        DeallocatePlan deallocate => ValueTask.FromResult(Deallocate(deallocate)),
        _ => throw new InvalidOperationException("Not a statement about prepared statements."),
    };

    /// <summary>Makes the statement known on the server under its server name; true when a Parse was written for it.</summary>
    public static bool SendParse(ServerConnection server, PreparedText text, Session session, Disposition disposition)
    {
        if (server.Prepared.Touch(text))
            return false;
        while (server.Prepared.TakeExcess() is { } excess)
        {
            CloseMessage.Write(server.Channel.Output, PreparedKind.Statement, excess.ServerName);
            server.Ledger.Expect(ReplyKind.Close, Disposition.Swallow);
            server.PendingCloses.Enqueue(excess);
        }
        ParseMessage.Write(server.Channel.Output, text.ServerName, text.Sql, LocalTypes(session, server, text));
        text.OfferedUnder = session.Planning();
        server.Prepared.Add(text);
        server.PendingParses.Enqueue(text);
        server.Ledger.Expect(ReplyKind.Parse, disposition);
        return true;
    }

    /// <summary>The parameter types in the shard's own object ids.</summary>
    public static uint[] LocalTypes(Session session, ServerConnection server, PreparedText text) =>
        text.HasUserTypes ? Array.ConvertAll(text.ParameterTypes, session.ObjectIds(server.Shard).FromHome) : text.ParameterTypes;

    private async ValueTask<bool> PrepareAsync(PreparePlan plan, StatementText text)
    {
        var name = Encoding.UTF8.GetBytes(plan.Name);
        if (_session.Prepared.TryGetStatement(name, out _))
            throw new SqlErrorException(SqlStates.DuplicatePreparedStatement, $"prepared statement \"{plan.Name}\" already exists");
        if (plan.Inner.Plan is RefusedPlan refused)
            throw Routing.Refuse(refused);
        var prepared = _session.Database.PreparedTexts.Intern(Encoding.UTF8.GetBytes(plan.Body), plan.ParameterTypes.AsSpan(), _session.Planning().Routing.Version);
        var server = await _session.Servers.GetAsync(_session.Servers.AnyShard());
        await EnsureAsync(server, prepared, text);
        _session.Prepared.SetStatement(name, new ClientStatement(prepared, isUnnamed: false));
        _session.WriteTag("PREPARE"u8);
        return true;
    }

    private async ValueTask<bool> ExecuteAsync(ExecutePlan plan, PlannedStatement planned, StatementText text)
    {
        if ((planned.Verb == "execute" || plan.Explain is not null) && await TrySpreadAsync(plan, planned, text) is { } spread)
            return spread;
        ResolvedExecute resolved;
        long moveNumber;
        do
        {
            moveNumber = _session.Database.Routing.Directory.MoveNumber;
            _session.Scanner.Scan(text.Whole.Span, _session.StandardConformingStrings);
            resolved = await ResolveAsync(plan, planned, text);
            var server = await _session.Servers.GetAsync(resolved.Shard);
            await EnsureAsync(server, resolved.Statement.Text, text);
        }
        while (Routing.HasMoved(_session, moveNumber));
        var offset = text.PositionOffset + Encoding.UTF8.GetCharCount(text.Bytes) - Encoding.UTF8.GetCharCount(resolved.Sql);
        return await _runner.RunOnAsync(resolved.Shard, resolved.Inner, resolved.Sql, offset);
    }

    private async ValueTask<bool?> TrySpreadAsync(ExecutePlan plan, PlannedStatement planned, StatementText text)
    {
        if (!_session.Prepared.TryGetStatement(Encoding.UTF8.GetBytes(plan.Name), out var statement))
            return null;
        var body = statement.Text.Sql;
        _session.Scanner.Scan(body, _session.StandardConformingStrings);
        var template = await Routing.TemplateAsync(_session, body);
        if (template.Statements is not [var inner] || !SpreadExecute.Takes(inner.Plan))
            return null;
        CheckCount(plan, Math.Max(statement.Text.ParameterTypes.Length, ParameterCount(_session.Scanner.Shape)));
        return plan.Explain is { } explain
            ? await _spread.ExplainAsync(explain, planned, statement, inner, text)
            : await _spread.RunAsync(statement, inner, text, Formats);
    }

    /// <summary>What an EXECUTE runs, and where. Throws what PostgreSQL says of a wrong one, and the refusal when it spans shards.</summary>
    public async ValueTask<ResolvedExecute> ResolveAsync(ExecutePlan plan, PlannedStatement planned, StatementText text)
    {
        if (!_session.Prepared.TryGetStatement(Encoding.UTF8.GetBytes(plan.Name), out var statement))
            throw new SqlErrorException(SqlStates.InvalidSqlStatementName, $"prepared statement \"{plan.Name}\" does not exist");
        if (statement.Drawn is not null)
            throw new SqlErrorException(SqlStates.FeatureNotSupported, $"EXECUTE of \"{plan.Name}\" is not supported, because the statement draws identifiers", "Bind it by the protocol, or give the identifiers.");
        // The arguments stand in EXECUTE's text and the statement's own literals in its body: two texts, read in turn.
        var arguments = ExecuteArguments.Read(plan, text.Whole.Span, _session.Scanner, _session.ConvertsText);
        var body = statement.Text.Sql;
        _session.Scanner.Scan(body, _session.StandardConformingStrings);
        var template = await Routing.TemplateAsync(_session, body);
        CheckCount(plan, Math.Max(statement.Text.ParameterTypes.Length, ParameterCount(_session.Scanner.Shape)));
        if (template.Statements is not [var inner])
            throw new SqlErrorException(SqlStates.InvalidSqlStatementName, $"prepared statement \"{plan.Name}\" has no statement");
        if (Routing.NeedsPlaces(_session, inner.Plan, arguments.Values(body, _session.Scanner, statement.Text.ParameterTypes, null)))
            await Routing.PlaceAsync(_session);
        var shard = inner.Plan switch
        {
            OneShardPlan one => Routing.Choose(_session, one.Choice, arguments.Values(body, _session.Scanner, statement.Text.ParameterTypes, _session.Places)),
            RefusedPlan refused => throw Routing.Refuse(refused),
            _ => throw new SqlErrorException(SqlStates.FeatureNotSupported, $"EXECUTE of \"{inner.Verb}\" is not supported over shards", "Run the statement itself."),
        };
        return new ResolvedExecute(statement, inner with { Verb = planned.Verb }, shard, ExecuteText.Rename(text.Bytes, statement.Text.ServerName));
    }

    private static void CheckCount(ExecutePlan plan, int expected)
    {
        if (plan.Arguments.Length == expected)
            return;
        throw new SqlErrorException(new ServerError(SqlStates.SyntaxError, $"wrong number of parameters for prepared statement \"{plan.Name}\"")
        {
            Detail = $"Expected {expected} parameters but got {plan.Arguments.Length}.",
        });
    }

    // In a shape literals are folded away, so a dollar and digits are a parameter.
    private static int ParameterCount(ReadOnlySpan<byte> shape)
    {
        var count = 0;
        for (var at = shape.IndexOf((byte)'$'); at >= 0; at = shape.IndexOf((byte)'$'))
        {
            shape = shape[(at + 1)..];
            if (System.Buffers.Text.Utf8Parser.TryParse(shape, out int number, out _))
                count = Math.Max(count, number);
        }
        return count;
    }

    private bool Deallocate(DeallocatePlan plan)
    {
        if (plan.Name is null)
        {
            _session.Prepared.ClearStatements();
            _session.WriteTag("DEALLOCATE ALL"u8);
            return true;
        }
        if (!_session.Prepared.RemoveStatement(Encoding.UTF8.GetBytes(plan.Name)))
            throw new SqlErrorException(SqlStates.InvalidSqlStatementName, $"prepared statement \"{plan.Name}\" does not exist");
        _session.WriteTag("DEALLOCATE"u8);
        return true;
    }

    private async ValueTask EnsureAsync(ServerConnection server, PreparedText prepared, StatementText text)
    {
        if (!SendParse(server, prepared, _session, Disposition.Swallow))
            return;
        server.SendSync(Disposition.Swallow);
        await _session.DrainAsync(server);
        Aftermath.FollowServer(_session, server);
        if (_session.Relay.SwallowedError is not { } error)
            return;
        // The position counts from the body's start; the client's text has PREPARE … AS before it.
        var at = text.Whole.Span.IndexOf(prepared.Sql);
        throw new SqlErrorException(error.Position is null || at < 0
            ? error
            : error with { Position = error.Position + Encoding.UTF8.GetCharCount(text.Whole.Span[..at]) });
    }
}
