using System.Collections.Concurrent;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions;

/// <param name="Settings">The start-up packet's settings in the server's own spelling.</param>
/// <param name="Parameters">What ParameterStatus says under them.</param>
public sealed record LoginProfile(SettingsSet Settings, IReadOnlyDictionary<string, string> Parameters)
{
    /// <summary>A session's settings after such a login.</summary>
    public SettingsState State { get; } = SettingsState.Empty with { Session = Settings };
}

/// <summary>
/// What a login with given settings looks like: the home server is asked once for each different start-up packet and user,
/// and the answer is kept for a while, so that a login costs no server connection.
/// </summary>
public sealed class LoginProfiles
{
    private const int MaxProfiles = 1024;
    private const long LifetimeMilliseconds = 60_000;

    private readonly ConcurrentDictionary<(string User, SettingsSet Asked), (LoginProfile Profile, long Until)> _profiles = new();

    /// <summary>search_path of a session that sets none: the database's own default.</summary>
    public string DefaultSearchPath { get; private set; } = "\"$user\", public";

    /// <summary>The session has no settings yet. Throws when the server rejects one or cannot be reached.</summary>
    public async ValueTask<LoginProfile> GetAsync(Session session, IReadOnlyList<KeyValuePair<string, string>> settings)
    {
        var asked = SettingsSet.Empty;
        foreach (var (name, value) in settings)
            asked = asked.With(name.ToLowerInvariant(), value);
        var key = (session.Identity.Credentials.User, asked);
        var now = Environment.TickCount64;
        if (_profiles.TryGetValue(key, out var known) && known.Until > now)
            return known.Profile;
        var profile = await AskAsync(session, asked);
        if (_profiles.Count >= MaxProfiles)
            _profiles.Clear();
        _profiles[key] = (profile, now + LifetimeMilliseconds);
        return profile;
    }

    private async ValueTask<LoginProfile> AskAsync(Session session, SettingsSet asked)
    {
        var server = await session.Servers.GetAsync(Database.HomeShard);
        if (await ServerValues.ReadAsync(session, server, "SELECT pg_catalog.current_setting('search_path')") is [{ } searchPath])
            DefaultSearchPath = searchPath;
        var canonical = SettingsSet.Empty;
        server.IsTainted = asked.Values.Count > 0;
        foreach (var (name, value) in asked.Values)
        {
            server.SendQuery(
                $"SELECT pg_catalog.set_config({SettingsScript.QuoteLiteral(name)}, {SettingsScript.QuoteLiteral(value)}, false)",
                Disposition.Swallow);
            await session.DrainAsync(server);
            if (session.Relay.SwallowedError is { } error)
                throw new SqlErrorException(error);
        }
        foreach (var name in asked.Values.Keys)
        {
            if (await ServerValues.ReadAsync(session, server, $"SELECT pg_catalog.current_setting({SettingsScript.QuoteLiteral(name)})") is [{ } value])
                canonical = canonical.With(name, value);
        }
        server.Applied = canonical;
        server.IsTainted = false;
        return new LoginProfile(canonical, new Dictionary<string, string>(server.Parameters, StringComparer.Ordinal));
    }
}
