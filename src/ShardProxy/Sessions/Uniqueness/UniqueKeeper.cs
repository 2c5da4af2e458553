using System.Security.Cryptography;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>
/// Follows a definition that has just run on every shard, in its transaction: makes the entries of unique indexes that are
/// new, from the rows that are there, and drops those whose index is gone. The definition holds locks on its tables until
/// the transaction ends, so no row comes or goes unseen.
/// </summary>
internal static class UniqueKeeper
{
    public static async ValueTask FollowAsync(Session session)
    {
        var directory = session.Planning().Routing.Directory;
        if (!directory.Tables.Values.Any(static table => table.Kind == TableKind.Sharded))
            return;
        var home = await session.Servers.GetAsync(Database.HomeShard);
        var rows = await ServerValues.ReadAsync(session, home, UniqueReview.Query(directory.Tables.Values))
            ?? throw new SqlErrorException(session.Relay.SwallowedError ?? new ServerError(SqlStates.ProtocolViolation, "a shard did not say which indexes it has"));
        var review = UniqueReview.Read(rows.OfType<string>());
        if (review.IsEmpty)
            return;
        if (review.Missing.FirstOrDefault(static index => index.Problem is not null) is { } unfit)
            throw new SqlErrorException(unfit.Refusal);
        int[] shards = [.. Enumerable.Range(0, session.Database.ShardCount)];
        WriterRule.CheckEveryShard(session);
        foreach (var orphan in review.Orphans.Distinct())
        {
            await UniqueCall.RunAsync(
                session, shards, static support => $"SELECT {support.Schema}.{UniqueSupport.Prefix}drop($1, $2)", support => [support.Secret, orphan]);
        }
        foreach (var index in review.Missing)
            await MakeAsync(session, shards, index);
    }

    /// <summary>Of a new index; random, because proxies do not ask each other.</summary>
    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private static async ValueTask MakeAsync(Session session, int[] shards, MissingIndex index)
    {
        var id = NewId();
        string?[] Arguments(UniqueSupport support) => [support.Secret, id, index.Relation, UniqueCall.QuotedArray(index.Columns), index.Key];
        await UniqueCall.RunAsync(session, shards, static support => $"SELECT {support.Schema}.{UniqueSupport.Prefix}create($1, $2, $3, $4, $5)", Arguments);
        var entries = await EntryLog.BeginAsync(session, shards, isOwnBlock: false);
        await UniqueCall.RunAsync(session, shards, static support => $"SELECT {support.Schema}.{UniqueSupport.Prefix}fill($1, $2, $3, $4, $5)", Arguments, entries);
        try
        {
            await entries.ApplyAsync();
        }
        catch (SqlErrorException exception) when (exception.Error.SqlState == SqlStates.UniqueViolation)
        {
            throw new SqlErrorException(UniqueViolation.WhileMaking(exception.Error, index));
        }
    }
}
