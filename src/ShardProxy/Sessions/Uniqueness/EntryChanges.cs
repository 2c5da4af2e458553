using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Sessions.Uniqueness;

/// <summary>Entries that one statement has made and unmade on all shards, by the shard on which each stands.</summary>
internal sealed class EntryChanges(DirectorySnapshot directory)
{
    /// <summary>Characters of entries that a statement may change: they are all kept until its rows are stored.</summary>
    private const int MaxSize = 256 * 1024 * 1024;

    private readonly SortedDictionary<(int Shard, string Index), (List<string> Removed, List<string> Added)> _changes = [];
    private long _size;

    public bool IsEmpty => _changes.Count == 0;

    /// <summary>In ascending order.</summary>
    public IEnumerable<int> Shards => _changes.Keys.Select(static key => key.Shard).Distinct();

    /// <summary>By shard, then by index: always in the same order, so that two statements with the same values wait for each other and not in a circle.</summary>
    public IEnumerable<(int Shard, string Index, IReadOnlyList<string> Removed, IReadOnlyList<string> Added)> All =>
        _changes.Select(static pair => (pair.Key.Shard, pair.Key.Index, (IReadOnlyList<string>)pair.Value.Removed, (IReadOnlyList<string>)pair.Value.Added));

    /// <summary>Where the entry of unique values stands.</summary>
    /// <param name="hash">As hash_record_extended() gives it.</param>
    public static int ShardOf(DirectorySnapshot directory, ulong hash) => directory.ShardOfBucket(directory.BucketOf(PartitionHash.OfHash(hash)));

    /// <param name="hash">As hash_record_extended() gives it of the unique values.</param>
    /// <param name="entry">In base64.</param>
    public void Add(string index, ulong hash, bool isRemoved, string entry)
    {
        _size += entry.Length;
        if (_size > MaxSize)
        {
            throw new SqlErrorException(
                SqlStates.ProgramLimitExceeded, "the statement changes too many values that are unique over all shards", "Change fewer rows at a time.");
        }
        // Where a row would be whose shard key has this hash: so that a value in a condition leads there too.
        var place = (ShardOf(directory, hash), index);
        if (!_changes.TryGetValue(place, out var lists))
            _changes.Add(place, lists = ([], []));
        (isRemoved ? lists.Removed : lists.Added).Add(entry);
    }
}
