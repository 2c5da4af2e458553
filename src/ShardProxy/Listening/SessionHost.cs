using Microsoft.Extensions.Logging;
using ShardProxy.Listening.Admin;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;
using ShardProxy.Sessions.Login;
using ShardProxy.Transport;

namespace ShardProxy.Listening;

/// <summary>From a negotiated client to its session: authenticates it, greets it as its home server would, and runs its session to the end.</summary>
public sealed class SessionHost : IClientHandler
{
    private readonly IReadOnlyDictionary<string, Database> _databases;
    private readonly Func<string, ClientAuthenticator> _authenticators;
    private readonly CancelKeyRegistry<Session> _cancelKeys = new();
    private readonly SessionRegistry _sessions;
    private readonly ILogger _logger;

    /// <param name="authenticators">By database: the one of the configuration in force.</param>
    public SessionHost(
        IReadOnlyDictionary<string, Database> databases,
        Func<string, ClientAuthenticator> authenticators,
        SessionRegistry sessions,
        ILogger logger)
    {
        _databases = databases;
        _authenticators = authenticators;
        _sessions = sessions;
        _logger = logger;
    }

    /// <summary>The admin database; null where there is none.</summary>
    public AdminHost? Admin { get; init; }

    public async Task<IAdmittedClient?> AdmitAsync(NegotiatedClient client)
    {
        var channel = client.Channel;
        var signal = channel.Connection.Signal!;
        AuthenticatedUser user;
        try
        {
            user = await _authenticators(client.Database).AuthenticateAsync(channel, client.User, client.Tls?.EndPointHash, CancellationToken.None);
        }
        catch (ClientLoginException exception)
        {
            if (_databases.TryGetValue(client.Database, out var asked))
                asked.Control.ForgetVerifiers();
            throw new ClientRefusedException(exception.Error);
        }
        if (Admin is { } admin && client.Database == AdminHost.DatabaseName)
        {
            await RunAdminAsync(admin, client, user.Name);
            return null;
        }
        if (!_databases.TryGetValue(client.Database, out var database))
            throw new ClientRefusedException(Fatal(SqlStates.InvalidCatalogName, $"database \"{client.Database}\" does not exist"));
        database.NoteCredentials(user.ServerCredentials);
        var session = new Session(database, new SessionIdentity(user.Name, user.ServerCredentials), channel, signal);
        CancelKey key;
        try
        {
            key = await GreetAsync(session, client);
        }
        catch (SqlErrorException exception)
        {
            session.Servers.ReleaseAll();
            throw new ClientRefusedException(exception.Error with { Severity = "FATAL", LocalizedSeverity = null });
        }
        catch (ServerLostException lost)
        {
            session.Servers.Lose(lost.Server);
            session.Servers.ReleaseAll();
            throw new ClientRefusedException(Fatal(SqlStates.ConnectionFailure, $"shard \"{lost.Server.Pool.ShardName}\" ended the connection during the login"));
        }
        catch (SessionEndedException)
        {
            session.Servers.ReleaseAll();
            return null;
        }
        catch
        {
            session.Servers.ReleaseAll();
            throw;
        }
        signal.Deadline = 0;
        _sessions.Add(session);
        return new HostedSession(this, session, key);
    }

    private async Task RunAdminAsync(AdminHost admin, NegotiatedClient client, string user)
    {
        try
        {
            await admin.RunAsync(client, user);
        }
        catch (Exception exception) when (exception is PeerClosedException or MalformedFrameException)
        {
            client.Channel.Output.Clear();
        }
        catch (Exception exception) when (exception is not ClientRefusedException)
        {
            ListeningLog.Failed(_logger, client.Channel.Connection.RemoteName, exception);
        }
    }

    public Task CancelAsync(int processId, ReadOnlyMemory<byte> key)
    {
        if (_cancelKeys.TryFind(processId, key.Span, out var session))
            session.Post(static session => session.CancelRunning());
        return Task.CompletedTask;
    }

    private async Task<CancelKey> GreetAsync(Session session, NegotiatedClient client)
    {
        if (client.Settings.Any(static setting => setting.Key == "replication" && setting.Value is not ("false" or "off" or "no" or "0")))
        {
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                "replication connections cannot go through ShardProxy",
                "Connect to a shard's server directly.");
        }
        var profile = await session.Database.Logins.GetAsync(session, [.. client.Settings.Where(static setting => setting.Key != "replication")]);
        session.Greet(profile);
        // In session mode the home connection is the client's own, and its process id is what the client sees in pg_stat_activity.
        int? processId = session.KeepsServers ? (await session.Servers.GetAsync(Database.HomeShard)).ProcessId : null;
        session.Servers.ReleaseIdle();
        var key = _cancelKeys.Register(session, client.CancelKeyLength, processId);
        session.Id = key.ProcessId;
        BackendKeyDataMessage.Write(client.Channel.Output, key.ProcessId, key.Secret);
        session.WriteReady();
        return key;
    }

    private void Leave(Session session, CancelKey key, SessionEnd end)
    {
        _sessions.Remove(session);
        _cancelKeys.Remove(key);
        // In the midst of a row the client would read the error as the row's bytes. A client that has shut down its sending side
        // still reads its last answers.
        if (end is SessionEnd.TornReply || session.Relay.IsInsideMessage)
            session.Client.Output.Clear();
        else if (Farewell(end) is { } error)
            error.WriteError(session.Client.Output);
    }

    private static ServerError? Farewell(SessionEnd end) => end switch
    {
        SessionEnd.ProtocolViolation => Fatal(SqlStates.ProtocolViolation, "the client sent a message that does not follow the protocol"),
        SessionEnd.Drained or SessionEnd.Killed => Fatal(SqlStates.AdminShutdown, "terminating connection due to administrator command"),
        SessionEnd.IdleInTransaction => Fatal(SqlStates.IdleInTransactionSessionTimeout, "terminating connection due to idle-in-transaction timeout"),
        SessionEnd.Fault => Fatal(SqlStates.InternalError, "ShardProxy failed to handle a message; the connection is closed to be safe"),
        _ => null,
    };

    private static ServerError Fatal(string sqlState, string message) => new(sqlState, message) { Severity = "FATAL" };

    private sealed class HostedSession(SessionHost host, Session session, CancelKey key) : IAdmittedClient
    {
        private Task<SessionEnd>? _run;

        public Task ServeAsync() => _run = new SessionLoop(session).RunAsync();

        public bool Leave(Exception? failure)
        {
            if (failure is not null)
                ListeningLog.Failed(host._logger, session.Client.Connection.RemoteName, failure);
            var end = failure is null ? _run!.Result : SessionEnd.Fault;
            host.Leave(session, key, end);
            return end is not (SessionEnd.Terminated or SessionEnd.ClientGone);
        }
    }
}
