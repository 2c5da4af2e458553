using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Committing;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>
/// Keeps the entries of global indexes true to one statement's rows:
/// 1. <see cref="BeginAsync"/> tells the statement's shards that their triggers' reports are read;
/// 2. the statement runs, and whoever reads its replies gives the notices to <see cref="TryTake"/>;
/// 3. <see cref="ApplyAsync"/> removes and adds the entries on their shards, in the statement's transaction.
/// A duplicate fails there as PostgreSQL's own check would, and so does all of the statement.
/// </summary>
internal sealed class EntryLog
{
    private readonly Session _session;
    private readonly string _nonce = CommitSecret.Create();
    private readonly Dictionary<int, string> _secrets = [];
    private readonly bool _isOwnBlock;
    private readonly EntryChanges _changes;
    private readonly List<ServerConnection> _servers = [];

    private EntryLog(Session session, bool isOwnBlock)
    {
        _session = session;
        _isOwnBlock = isOwnBlock;
        _changes = new EntryChanges(session.Planning().Routing.Directory);
    }

    /// <summary>Within a block, after its writers were noted. What is sent here goes with the statement.</summary>
    /// <param name="isOwnBlock">The block ends with the statement.</param>
    public static async ValueTask<EntryLog> BeginAsync(Session session, IReadOnlyList<int> shards, bool isOwnBlock)
    {
        var log = new EntryLog(session, isOwnBlock);
        foreach (var shard in shards)
            log._secrets[shard] = (await session.Database.Control.UniqueSupportAsync(shard)).Secret;
        foreach (var shard in shards)
        {
            var server = await session.Servers.GetAsync(shard);
            log._servers.Add(server);
            server.SendQuery(Say(log._nonce), Disposition.Swallow);
        }
        return log;
    }

    /// <summary>Whether a notice was a report of entries, which the client is not told.</summary>
    /// <param name="frame">A NoticeResponse.</param>
    public bool TryTake(int shard, ReadOnlySpan<byte> frame)
    {
        if (!NoticeResponseMessage.TryRead(frame[Frame.HeaderLength..], out var notice) || !EntryReport.IsOne(notice.Fields))
            return false;
        EntryReport.Read(notice.Fields, _secrets[shard], _nonce, _changes);
        return true;
    }

    /// <summary>The statement has done its work on all of its shards.</summary>
    public async ValueTask ApplyAsync()
    {
        if (!_isOwnBlock)
            await EndAsync();
        if (_changes.IsEmpty)
            return;
        WriterRule.CheckShards(_session, _changes.Shards);
        foreach (var (shard, index, removed, added) in _changes.All)
        {
            try
            {
                await UniqueCall.RunAsync(
                    _session,
                    [shard],
                    support => $"SELECT {support.Schema}.{UniqueSupport.Prefix}{index}_enter($1, $2, $3)",
                    support => [support.Secret, UniqueCall.Array(removed), UniqueCall.Array(added)]);
            }
            catch (SqlErrorException exception) when (exception.Error is { SqlState: SqlStates.UniqueViolation } error && error.ConstraintName == UniqueSupport.ConstraintOf(index))
            {
                throw new SqlErrorException(UniqueViolation.AsOf(error, index, _session.Planning().Routing.Catalog));
            }
        }
    }

    /// <summary>What the block's later statements change must not be reported without being read.</summary>
    private async ValueTask EndAsync()
    {
        foreach (var server in _servers)
        {
            server.SendQuery(Say(""), Disposition.Swallow);
            _session.Flush(server);
        }
        foreach (var server in _servers)
        {
            await _session.DrainAsync(server);
            if (_session.Relay.SwallowedError is { } error)
                throw new SqlErrorException(error);
        }
    }

    private static string Say(string nonce) => $"SET LOCAL {UniqueSupport.Setting} = '{nonce}'";
}
