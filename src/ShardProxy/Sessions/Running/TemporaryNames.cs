using ShardProxy.Pooling;

namespace ShardProxy.Sessions.Running;

/// <summary>Asks the server which temporary relations the session has; asking is exact where reading DDL would be a guess.</summary>
public static class TemporaryNames
{
    private const string Query =
        "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind IN ('r','p','v','m','S','f')";

    public static async ValueTask ReadAsync(Session session, ServerConnection server)
    {
        var names = await ServerValues.ReadAsync(session, server, Query);
        if (names is null)
            return;
        session.Temporaries.Replace(names.OfType<string>());
        session.ForgetPlanning();
        if (session.Temporaries.Version != 0)
            server.IsPinned = true;
    }
}
