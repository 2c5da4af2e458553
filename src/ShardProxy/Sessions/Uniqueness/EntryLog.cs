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

    /// <summary>Entries of rows that ON CONFLICT proposes, by index: where one of those cannot be added, because another has come first, the statement begins again.</summary>
    private IReadOnlySet<(string Index, string Entry)>? Proposed { get; init; }

    /// <summary>Called before entries of a shard are changed.</summary>
    private Func<int, ValueTask>? Entering { get; init; }

    /// <summary>Within a block, after its writers were noted. What is sent here goes with the statement.</summary>
    /// <param name="isOwnBlock">The block ends with the statement.</param>
    public static ValueTask<EntryLog> BeginAsync(Session session, IReadOnlyList<int> shards, bool isOwnBlock) =>
        BeginAsync(new EntryLog(session, isOwnBlock), session, shards);

    /// <summary>As the other, of an ON CONFLICT.</summary>
    public static ValueTask<EntryLog> BeginAsync(
        Session session, IReadOnlyList<int> shards, bool isOwnBlock, IReadOnlySet<(string Index, string Entry)> proposed, Func<int, ValueTask> entering) =>
        BeginAsync(new EntryLog(session, isOwnBlock) { Proposed = proposed, Entering = entering }, session, shards);

    private static async ValueTask<EntryLog> BeginAsync(EntryLog log, Session session, IReadOnlyList<int> shards)
    {
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

    /// <summary>Whether a shard has reported that it added one of these entries.</summary>
    public bool HasAddedAny(IReadOnlySet<(string Index, string Entry)> entries) =>
        entries.Count > 0 && _changes.All.Any(change => change.Added.Any(entry => entries.Contains((change.Index, entry))));

    /// <summary>The statement has done its work on all of its shards.</summary>
    /// <returns>False when an entry of <see cref="Proposed"/> could not be added, and then not all are changed.</returns>
    public async ValueTask<bool> ApplyAsync()
    {
        if (!_isOwnBlock)
            await EndAsync();
        if (_changes.IsEmpty)
            return true;
        WriterRule.CheckEntries(_session, _changes.Shards);
        foreach (var (shard, index, removed, added) in _changes.All)
        {
            if (Entering is not null)
                await Entering(shard);
            var proposed = Proposed is null ? [] : added.Where(entry => Proposed.Contains((index, entry))).ToList();
            await EnterAsync(shard, index, removed, proposed.Count == 0 ? added : [.. added.Where(entry => !Proposed!.Contains((index, entry)))]);
            if (proposed.Count > 0 && !await TryEnterAsync(shard, index, proposed))
                return false;
        }
        return true;
    }

    private async ValueTask EnterAsync(int shard, string index, IReadOnlyList<string> removed, IReadOnlyList<string> added)
    {
        if (removed.Count == 0 && added.Count == 0)
            return;
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

    private async ValueTask<bool> TryEnterAsync(int shard, string index, IReadOnlyList<string> added)
    {
        var answer = await UniqueCall.ReadAsync(
            _session,
            shard,
            support => $"SELECT {support.Schema}.{UniqueSupport.Prefix}try_enter($1, $2, $3)",
            support => [support.Secret, index, UniqueCall.Array(added)]);
        return answer is [[(byte)'t']];
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
