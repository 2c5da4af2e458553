using System.Globalization;
using Microsoft.Extensions.Logging;
using ShardProxy.Listening.Admin;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Admin;

/// <summary>SHOW, RELOAD, PAUSE, RESUME and KILL.</summary>
/// <param name="view">The proxy as it is now.</param>
/// <param name="reload">Has the configuration file read again, as SIGHUP does; null where there is none.</param>
internal sealed partial class AdminConsole(Func<ProxyView> view, Func<Action?> reload, ILogger logger) : IAdminConsole
{
    private static readonly AdminTable[] Tables =
    [
        new ShowShards(), new ShowTables(), new ShowBuckets(), new ShowDirectory(), new ShowProxies(), new ShowHistory(), new ShowTransactions(), new ShowDdl(), new ShowGather(),
        new ShowPools(), new ShowClients(), new ShowServers(), new ShowStats(), new ShowConfig(), new ShowVersion(),
    ];

    private static readonly string[] Verbs = ["RELOAD", "PAUSE", "RESUME", "KILL"];

    private readonly ILogger _logger = logger;

    public bool IsAdmin(string user) => view().Config.Users.Any(known => known.IsAdmin && known.Name == user);

    public IReadOnlyList<AdminColumn> Describe(AdminCommand command)
    {
        if (command.Verb == "SHOW")
            return Find(command).Columns;
        return Verbs.Contains(command.Verb) ? [] : throw Unknown(command);
    }

    public async Task<AdminResult> RunAsync(AdminCommand command)
    {
        switch (command.Verb)
        {
            case "SHOW":
                var table = Find(command);
                return new AdminResult("SHOW", table.Columns, await table.RowsAsync(view()));
            case "RELOAD":
                if (reload() is not { } request)
                    throw new SqlErrorException(SqlStates.FeatureNotSupported, "this proxy was not started with a configuration file");
                request();
                break;
            case "PAUSE":
                foreach (var database in Databases(command))
                    database.Pause();
                foreach (var database in Databases(command))
                    await database.WhenQuietAsync();
                break;
            case "RESUME":
                foreach (var database in Databases(command))
                    database.Resume();
                break;
            case "KILL":
                Kill(command);
                break;
            default:
                throw Unknown(command);
        }
        Ran(command.Text);
        return AdminResult.Done(command.Verb);
    }

    private void Kill(AdminCommand command)
    {
        if (command.Arguments is not [var argument] || !int.TryParse(argument, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            throw new SqlErrorException(SqlStates.SyntaxError, "KILL needs a client's id", "SHOW CLIENTS has them.");
        var sessions = view().Sessions.All.Where(session => session.Id == id).ToArray();
        if (sessions.Length == 0)
            throw new SqlErrorException(SqlStates.UndefinedObject, $"there is no client {id}", "SHOW CLIENTS has them.");
        foreach (var session in sessions)
            session.RequestEnd(SessionEnd.Killed);
    }

    private IEnumerable<Database> Databases(AdminCommand command)
    {
        var all = view().Databases.Select(static entry => entry.Database).ToArray();
        if (command.Arguments.Count == 0)
            return all;
        var found = all.Where(database => database.Config.Name == command.Arguments[0]).ToArray();
        return found.Length > 0
            ? found
            : throw new SqlErrorException(SqlStates.UndefinedObject, $"there is no database \"{command.Arguments[0]}\"");
    }

    private static AdminTable Find(AdminCommand command) =>
        Array.Find(Tables, table => table.Name == command.Subject)
        ?? throw new SqlErrorException(
            SqlStates.SyntaxError,
            $"SHOW does not know \"{command.Subject}\"",
            $"It knows {string.Join(", ", Tables.Select(static table => table.Name))}.");

    private static SqlErrorException Unknown(AdminCommand command) => new(
        SqlStates.SyntaxError,
        $"the admin database does not know \"{command.Verb}\"",
        $"It knows SHOW {string.Join(" | ", Tables.Select(static table => table.Name))}, {string.Join(", ", Verbs)}.");

    [LoggerMessage(EventId = 7301, Level = LogLevel.Information, Message = "admin database: {Command}")]
    private partial void Ran(string command);
}
