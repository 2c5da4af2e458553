using ShardProxy.Listening.Admin;
using ShardProxy.Sessions;

namespace ShardProxy.Control.Admin;

/// <summary>A row for each client that is logged in to a database; KILL takes the id.</summary>
internal sealed class ShowClients : AdminTable
{
    public override string Name => "CLIENTS";

    public override IReadOnlyList<AdminColumn> Columns { get; } =
    [
        Integer("id"), Text("database"), Text("user"), Text("server_user"), Text("address"), Timestamp("connected"), Text("transaction"),
        Integer("servers"), Text("application_name"),
    ];

    public override ValueTask<IReadOnlyList<object?[]>> RowsAsync(ProxyView view)
    {
        var rows = new List<object?[]>();
        foreach (var session in view.Sessions.All.OrderBy(static session => session.Id))
        {
            rows.Add(
            [
                (long)session.Id, session.Database.Config.Name, session.Identity.User, session.Identity.Credentials.User,
                session.Client.Connection.RemoteName, session.Since, TransactionWord((char)session.Transaction.Status),
                ServersOf(session), session.Settings.Find("application_name"),
            ]);
        }
        return new(rows);
    }

    private static long ServersOf(Session session)
    {
        var count = 0L;
        foreach (var server in session.Servers.All)
            count += server is null ? 0 : 1;
        return count;
    }

    internal static string TransactionWord(char status) => status switch
    {
        'T' => "open",
        'E' => "failed",
        _ => "none",
    };
}
