using ShardProxy.Execution;

namespace ShardProxy.Sessions;

/// <summary>
/// Says which reported settings (PostgreSQL's GUC_REPORT) are others now although no server has said so on the client's
/// behalf: a rollback takes a SET back, COMMIT ends a SET LOCAL, and the client hears neither server.
/// </summary>
internal sealed class ParameterReport(Session session)
{
    private SettingsState _seen = SettingsState.Empty;

    /// <summary>Gives the relay what has changed since the last time, to be told with what servers have reported.</summary>
    public void Collect(ReplyRelay relay)
    {
        var settings = session.Settings;
        if (ReferenceEquals(_seen, settings))
            return;
        foreach (var (name, atLogin) in session.StartupParameters)
        {
            var key = name.ToLowerInvariant();
            if (settings.Find(key) is { } value)
                relay.HoldParameter(name, value);
            else if (_seen.Find(key) is not null)
                relay.HoldParameter(name, atLogin);
        }
        _seen = settings;
    }
}
