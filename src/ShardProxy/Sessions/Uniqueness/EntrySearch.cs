using System.Globalization;
using ShardProxy.Planning;
using ShardProxy.Protocol.Values;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>
/// Asks a global index where the one row is that a query can be about. What it says may be old by a moment, so whoever goes
/// there and finds nothing asks the other shards too: a row that is found is the only one, and a row that is not is sought.
/// </summary>
internal static class EntrySearch
{
    /// <summary>The shard of the value's entry and the value's hash; null when the value cannot be read here.</summary>
    /// <param name="values">With <see cref="KeyPlaces.Hashes"/>.</param>
    public static (int Shard, ulong Hash)? Locate(Session session, EntryLookup lookup, in StatementValues values)
    {
        var hashes = values.Places!.Hashes!;
        hashes.Clear();
        var shards = ShardBinder.Shards(
            new SpreadKeys([lookup.Value]), session.Planning().Routing.Directory, session.Database.ShardCount, values, Database.HomeShard);
        return shards.Count == 1 && hashes.Count == 1 ? (shards[0], hashes[0]) : null;
    }

    /// <summary>Places for <see cref="Locate"/>.</summary>
    public static KeyPlaces Places() => new() { Hashes = [] };

    /// <summary>The shards of the entries that the value can have; null when that cannot be said.</summary>
    public static async ValueTask<List<int>?> FindAsync(Session session, EntryLookup lookup, (int Shard, ulong Hash) entry)
    {
        var hash = unchecked((long)PartitionHash.HashOf(entry.Hash)).ToString(CultureInfo.InvariantCulture);
        var keys = await UniqueCall.ReadAsync(
            session,
            entry.Shard,
            support => $"SELECT * FROM {support.Schema}.{UniqueSupport.Prefix}{lookup.Index}_find($1, $2)",
            support => [support.Secret, hash]);
        var directory = session.Planning().Routing.Directory;
        var shards = new List<int>();
        foreach (var key in keys)
        {
            var bucket = ShardBinder.BucketOf(lookup.TableKey, directory, key);
            if (bucket < 0)
                return null;
            if (!shards.Contains(directory.ShardOfBucket(bucket)))
                shards.Add(directory.ShardOfBucket(bucket));
        }
        shards.Sort();
        return shards;
    }
}
