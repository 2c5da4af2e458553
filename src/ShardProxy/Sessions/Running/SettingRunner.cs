using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running;

/// <summary>
/// SET, RESET and set_config(). The server judges the value; what it then shows is what the
/// session remembers, so that the setting can be made true on any server connection in the server's own spelling.
/// </summary>
public sealed class SettingRunner
{
    private static readonly string[] SessionCharacteristics =
        ["default_transaction_isolation", "default_transaction_read_only", "default_transaction_deferrable"];

    private readonly Session _session;

    public SettingRunner(Session session) => _session = session;

    public async ValueTask<bool> RunAsync(SettingPlan plan, PlannedStatement planned, StatementText text)
    {
        if (plan.Name is not null && plan.Name.StartsWith("shardproxy.", StringComparison.Ordinal))
            return SetHint(plan);
        if (plan.Verb == SettingVerb.SetTransaction)
            return await SetTransactionAsync(text);
        var servers = await TargetsAsync();
        // Outside a block, should the session end before the value is known, nobody knows what is set there.
        var wasTainted = servers[0].IsTainted;
        servers[0].IsTainted |= !_session.Transaction.IsOpen;
        for (var i = 0; i < servers.Count; i++)
            servers[i].SendQuery(text.Bytes, i == 0 ? Disposition.Forward : Disposition.Swallow);
        var failed = false;
        for (var i = 0; i < servers.Count; i++)
        {
            _session.StartRelay(servers[i]);
            _session.Relay.PositionOffset = text.PositionOffset;
            await _session.PumpAsync(servers[i]);
            failed |= _session.Relay.ErrorSeen;
            Aftermath.FollowServer(_session, servers[i]);
            if (_session.Relay.SwallowedError is { } error && !failed)
                throw new SqlErrorException(error);
        }
        if (!failed)
            await RememberAsync(plan, servers, text);
        servers[0].IsTainted = wasTainted;
        return !failed;
    }

    /// <summary>After a set_config() that ran as an ordinary statement on one server: the session remembers it, and the block's other shards are told.</summary>
    public async ValueTask RememberFunctionAsync(SettingPlan plan, ServerConnection server)
    {
        if (plan.Name is null)
        {
            server.IsTainted = true;
            return;
        }
        await RememberFunctionAsync(plan.Name, plan.Verb == SettingVerb.SetLocal, server);
        foreach (var other in plan.More)
            await RememberFunctionAsync(other.Name, other.IsLocal, server);
    }

    private async ValueTask RememberFunctionAsync(string name, bool isLocal, ServerConnection server)
    {
        if (isLocal && !_session.Transaction.IsOpen)
            return;
        var value = await ReadAsync(server, name);
        if (value is null)
            return;
        var replay = System.Text.Encoding.UTF8.GetBytes(
            $"SELECT pg_catalog.set_config({SettingsScript.QuoteLiteral(name)}, {SettingsScript.QuoteLiteral(value)}, {(isLocal ? "true" : "false")})");
        foreach (var other in _session.Servers.Joined())
        {
            if (ReferenceEquals(other, server))
                continue;
            other.SendQuery(replay, Disposition.Swallow);
            await _session.DrainAsync(other);
            if (_session.Relay.SwallowedError is { } error)
                throw new SqlErrorException(error);
        }
        var settings = isLocal
            ? _session.Settings with { Local = _session.Settings.Local.With(name, value) }
            : new SettingsState(_session.Settings.Session.With(name, value), _session.Settings.Local.Without(name));
        if (_session.Transaction.IsOpen)
            _session.Transaction.Append(replay, settings);
        else
            server.Applied = settings.Session;
        _session.Settings = settings;
    }

    private bool SetHint(SettingPlan plan)
    {
        var isReset = plan.Verb is SettingVerb.Reset || string.IsNullOrEmpty(plan.Value);
        _session.Hint = plan.Name switch
        {
            "shardproxy.key" => _session.Hint.WithKey(isReset ? null : plan.Value),
            "shardproxy.zone" => _session.Hint.WithZone(isReset ? null : plan.Value),
            "shardproxy.shard" when isReset => SessionHint.None,
            "shardproxy.shard" => _session.Database.FindShard(plan.Value!) >= 0
                ? new SessionHint(null, plan.Value)
                : throw new SqlErrorException(SqlStates.InvalidParameterValue, $"there is no shard \"{plan.Value}\"", $"The shards are: {_session.Database.ShardNames}."),
            _ => throw new SqlErrorException(SqlStates.UndefinedObject, $"unrecognized configuration parameter \"{plan.Name}\"", "ShardProxy knows shardproxy.key, shardproxy.zone and shardproxy.shard."),
        };
        _session.WriteTag(plan.Verb is SettingVerb.Reset ? "RESET"u8 : "SET"u8);
        return true;
    }

    // It speaks of the transaction at hand, so a shard that joins later must hear it too, right after BEGIN.
    private async ValueTask<bool> SetTransactionAsync(StatementText text)
    {
        var transaction = _session.Transaction;
        if (!transaction.IsOpen)
        {
            _session.WriteNotice("WARNING", SqlStates.NoActiveSqlTransaction, "SET TRANSACTION can only be used in transaction blocks");
            _session.WriteTag("SET"u8);
            return true;
        }
        var joined = _session.Servers.Joined();
        for (var i = 0; i < joined.Count; i++)
        {
            joined[i].SendQuery(text.Bytes, i == 0 ? Disposition.Forward : Disposition.Swallow);
            await _session.DrainAsync(joined[i]);
            if (_session.Relay.SwallowedError is { } error)
                throw new SqlErrorException(error);
            if (_session.Relay.ErrorSeen)
            {
                _session.FailBlock();
                return false;
            }
        }
        if (joined.Count == 0)
            _session.WriteTag("SET"u8);
        transaction.Append(text.Bytes.ToArray(), _session.Settings);
        return true;
    }

    // In a block all shards of the block; else one that the session holds, or home.
    private async ValueTask<List<ServerConnection>> TargetsAsync()
    {
        if (_session.Transaction.IsOpen && _session.Servers.JoinedCount > 0)
            return _session.Servers.Joined();
        return [await _session.Servers.GetAsync(_session.Servers.AnyShard())];
    }

    private async ValueTask RememberAsync(SettingPlan plan, List<ServerConnection> servers, StatementText text)
    {
        var settings = _session.Settings;
        var isOpen = _session.Transaction.IsOpen;
        var replay = text.Bytes.ToArray();
        switch (plan.Verb)
        {
            case SettingVerb.Set:
            case SettingVerb.SetLocal:
                if (plan.Verb == SettingVerb.SetLocal && !isOpen)
                    return;
                foreach (var name in Names(plan.Name))
                {
                    var value = await ReadAsync(servers[0], name);
                    if (value is null)
                        continue;
                    settings = plan.Verb == SettingVerb.SetLocal
                        ? settings with { Local = settings.Local.With(name, value) }
                        : new SettingsState(settings.Session.With(name, value), settings.Local.Without(name));
                }
                break;
            case SettingVerb.Reset:
                settings = new SettingsState(settings.Session.Without(plan.Name!), settings.Local.Without(plan.Name!));
                break;
            case SettingVerb.ResetAll:
                settings = new SettingsState(Identities(settings.Session), SettingsSet.Empty);
                break;
        }
        // What the start-up packet asked for is the default that RESET goes back to; the servers know nothing of it.
        var defaults = settings.Session;
        if (plan.Verb is SettingVerb.Reset or SettingVerb.ResetAll)
        {
            foreach (var (name, value) in _session.StartupSettings.Values)
            {
                if (plan.Verb == SettingVerb.ResetAll || name == plan.Name)
                    settings = settings with { Session = settings.Session.With(name, value) };
            }
        }
        if (!isOpen)
        {
            servers[0].Applied = defaults;
        }
        else
        {
            var script = SettingsScript.Between(defaults, settings.Session);
            if (script.Length > 0)
            {
                replay = [.. replay, .. ";"u8, .. System.Text.Encoding.UTF8.GetBytes(script)];
                foreach (var server in servers)
                {
                    server.SendQuery(script, Disposition.Swallow);
                    await _session.DrainAsync(server);
                }
            }
            _session.Transaction.Append(replay, settings);
        }
        _session.Settings = settings;
    }

    private async ValueTask<string?> ReadAsync(ServerConnection server, string name)
    {
        // SHOW takes no snapshot, so SET TRANSACTION is still possible behind it.
        var values = await ServerValues.ReadAsync(_session, server, $"SHOW {SettingsScript.QuoteName(name)}");
        return values is [{ } value] ? value : null;
    }

    private static string[] Names(string? name) => name switch
    {
        null => [],
        _ when name.StartsWith("default_transaction_", StringComparison.Ordinal) => SessionCharacteristics,
        _ => [name],
    };

    // RESET ALL does not touch who the session is.
    private static SettingsSet Identities(SettingsSet session)
    {
        var kept = SettingsSet.Empty;
        foreach (var name in (string[])["role", "session_authorization"])
        {
            if (session.Find(name) is { } value)
                kept = kept.With(name, value);
        }
        return kept;
    }
}
