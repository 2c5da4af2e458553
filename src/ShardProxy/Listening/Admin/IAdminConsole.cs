namespace ShardProxy.Listening.Admin;

/// <summary>What the admin database can do. Called from the thread pool.</summary>
public interface IAdminConsole
{
    /// <summary>Whether the user is configured as one who may.</summary>
    bool IsAdmin(string user);

    /// <summary>Columns of a command; empty for one without rows. Runs nothing.</summary>
    /// <exception cref="Sessions.SqlErrorException">There is no such command.</exception>
    IReadOnlyList<AdminColumn> Describe(AdminCommand command);

    /// <exception cref="Sessions.SqlErrorException">There is no such command, or it failed.</exception>
    Task<AdminResult> RunAsync(AdminCommand command);
}
