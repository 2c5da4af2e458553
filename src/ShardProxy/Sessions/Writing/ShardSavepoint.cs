using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Writing;

/// <summary>A savepoint within the open block on the shards of one statement, which may have to be begun again.</summary>
internal sealed class ShardSavepoint(Session session)
{
    // No client's: a savepoint of the same name would only be hidden while the statement runs.
    private const string Name = "shardproxy_statement";

    private readonly SortedDictionary<int, ServerConnection> _servers = [];

    /// <summary>What the shard is sent from now on can be undone. It goes with what is sent next.</summary>
    public async ValueTask AddAsync(int shard)
    {
        if (_servers.ContainsKey(shard))
            return;
        var server = await session.Servers.GetAsync(shard);
        _servers.Add(shard, server);
        server.SendQuery($"SAVEPOINT {Name}", Disposition.Swallow);
    }

    /// <summary>Undoes what was done since, on all of them; the savepoint is gone.</summary>
    public ValueTask UndoAsync() => EndAsync($"ROLLBACK TO SAVEPOINT {Name}; RELEASE SAVEPOINT {Name}");

    public ValueTask ReleaseAsync() => EndAsync($"RELEASE SAVEPOINT {Name}");

    private async ValueTask EndAsync(string sql)
    {
        foreach (var server in _servers.Values)
        {
            server.SendQuery(sql, Disposition.Swallow);
            session.Flush(server);
        }
        SqlErrorException? trouble = null;
        foreach (var server in _servers.Values)
        {
            await session.DrainAsync(server);
            if (session.Relay.SwallowedError is { } error)
                trouble ??= new SqlErrorException(error);
        }
        _servers.Clear();
        if (trouble is not null)
            throw trouble;
    }
}
