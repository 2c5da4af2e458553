using System.Globalization;
using System.Text;
using ShardProxy.Execution;
using ShardProxy.Planning;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions.Running;

/// <summary>Runs an <see cref="InsertEverywherePlan"/>: on each shard the query with a condition that only its own keys meet, all in one block.</summary>
public sealed class GeneratedRowsRunner
{
    // HASH_PARTITION_SEED (partbounds.h), and what hash_combine64(0, h) adds to h (hashfn.h).
    private const ulong Seed = 0x7A5B22367996DCFD;
    private const ulong Combine = 0x49a0f4dd15e5a8e3;

    private readonly Session _session;
    private readonly TransactionRunner _transactions;

    public GeneratedRowsRunner(Session session, TransactionRunner transactions)
    {
        _session = session;
        _transactions = transactions;
    }

    /// <summary>The client hears of success when the block, if it is the statement's own, has committed.</summary>
    public async ValueTask<bool> RunAsync(InsertEverywherePlan plan)
    {
        var rows = 0L;
        var isOwnBlock = !_session.Transaction.IsOpen;
        var succeeded = await ImplicitBlock.RunAsync(
            _session,
            _transactions,
            async () =>
            {
                rows = await InsertAsync(plan, isOwnBlock);
                return true;
            });
        if (succeeded)
            _session.WriteTag(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"INSERT 0 {rows}")));
        return succeeded;
    }

    private async ValueTask<long> InsertAsync(InsertEverywherePlan plan, bool isOwnBlock)
    {
        var servers = new ServerConnection[_session.Database.ShardCount];
        for (var shard = 0; shard < servers.Length; shard++)
            servers[shard] = await _session.Servers.GetAsync(shard);
        WriterRule.CheckShards(_session, Enumerable.Range(0, servers.Length));
        var entries = plan.KeepsEntries ? await EntryLog.BeginAsync(_session, [.. Enumerable.Range(0, servers.Length)], isOwnBlock) : null;
        foreach (var server in servers)
        {
            server.SendQuery(TextFor(plan, server.Shard), Disposition.Swallow);
            _session.Flush(server);
        }
        var tap = new RowCountTap(entries);
        ServerError? error = null;
        foreach (var server in servers)
        {
            tap.Shard = server.Shard;
            await _session.DrainAsync(server, tap);
            error ??= _session.Relay.SwallowedError;
        }
        if (error is not null)
            throw new SqlErrorException(error with { Position = null });
        if (entries is not null)
            await entries.ApplyAsync();
        return tap.Rows;
    }

    private string TextFor(InsertEverywherePlan plan, int shard)
    {
        var directory = _session.Planning().Routing.Directory;
        var buckets = new List<int>();
        for (var bucket = 0; bucket < directory.HashBuckets; bucket++)
        {
            if (directory.ShardOfBucket(bucket) == shard)
                buckets.Add(bucket);
        }
        var names = string.Join(", ", Enumerable.Range(1, plan.ColumnCount).Select(static i => $"c{i}"));
        // Buckets are a power of two, so the low bits of hash and constant are enough.
        var mask = directory.HashBuckets - 1;
        var key = $"shardproxy_rows.c{plan.KeyOrdinal + 1}";
        var hash = Hash(plan.KeyType.Oid, key);
        var bucketOf = string.Create(CultureInfo.InvariantCulture, $"((({hash} & {mask}) + {(long)(Combine & (ulong)mask)}) & {mask})");
        return $"{plan.Head} SELECT {names} FROM ({plan.Query}\n) AS shardproxy_rows({names}) WHERE {key} IS NULL OR {bucketOf} = ANY ('{{{string.Join(',', buckets)}}}'::pg_catalog.int8[])";
    }

    /// <summary>The extended hash function of the type's default hash operator class (pg_amproc.dat).</summary>
    private static string Hash(uint type, string key)
    {
        var (function, cast) = type switch
        {
            TypeOid.Int2 => ("hashint2extended", "int2"),
            TypeOid.Int4 => ("hashint4extended", "int4"),
            TypeOid.Int8 => ("hashint8extended", "int8"),
            TypeOid.Text or TypeOid.Varchar => ("hashtextextended", "text"),
            TypeOid.Uuid => ("uuid_hash_extended", "uuid"),
            _ => throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                "INSERT … SELECT of generated rows needs a key of an integer type, text or uuid",
                "Load the rows with COPY."),
        };
        return string.Create(CultureInfo.InvariantCulture, $"pg_catalog.{function}({key}::pg_catalog.{cast}, {unchecked((long)Seed)})");
    }

    private sealed class RowCountTap(EntryLog? entries) : IReplyTap
    {
        /// <summary>Whose messages come.</summary>
        public int Shard { get; set; }

        public long Rows { get; private set; }

        public bool OnMessage(byte type, ReadOnlySpan<byte> frame, bool forward)
        {
            if (type == BackendMessageType.NoticeResponse && entries?.TryTake(Shard, frame) == true)
                return false;
            if (type == BackendMessageType.CommandComplete && CommandCompleteMessage.TryRead(frame[Frame.HeaderLength..], out var complete)
                && complete.TryGetRowCount(out var rows))
            {
                Rows += rows;
            }
            return forward;
        }
    }
}
