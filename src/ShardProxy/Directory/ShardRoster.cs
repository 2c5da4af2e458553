using ShardProxy.Configuration;

namespace ShardProxy.Directory;

/// <summary>
/// A database's shards in this process, by index. The list only ever grows at its end, so that an index once given out stays true:
/// what the file names and the directory knows, in the file's order, then what joined since.
/// </summary>
internal sealed class ShardRoster
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ShardConfig> _file = new(StringComparer.Ordinal);
    private volatile ShardConfig[] _shards;

    /// <exception cref="DirectoryException">The file's first shard, which is the home shard, is a new one.</exception>
    public ShardRoster(DatabaseConfig database, DirectoryContent content)
    {
        Learn(database.Shards);
        var known = Known(content);
        _shards = [.. database.Shards.Where(shard => known.Contains(shard.Name))];
        if (_shards.Length == 0 || _shards[0].Name != database.Shards[0].Name)
            throw new DirectoryException($"database \"{database.Name}\": its first shard is the home shard, and \"{database.Shards[0].Name}\" is new to the directory");
        Follow(content);
    }

    /// <summary>Names of the shards that the directory knows: a further one of the file has to join first.</summary>
    public static HashSet<string> Known(DirectoryContent content) =>
        content.ShardOfBucket.Concat(content.Shards.Select(static shard => shard.Name)).ToHashSet(StringComparer.Ordinal);

    public IReadOnlyList<ShardConfig> Shards => _shards;

    /// <summary>Shards of the file that have not joined yet, in its order.</summary>
    public IReadOnlyList<ShardConfig> Waiting
    {
        get
        {
            var shards = _shards;
            lock (_lock)
                return [.. _file.Values.Where(shard => !Array.Exists(shards, known => known.Name == shard.Name))];
        }
    }

    /// <summary>Where the file says that shards are.</summary>
    public void Learn(IEnumerable<ShardConfig> file)
    {
        lock (_lock)
        {
            foreach (var shard in file)
                _file.TryAdd(shard.Name, shard);
        }
    }

    /// <summary>Appends what has joined.</summary>
    /// <returns>Whether something has.</returns>
    public bool Follow(DirectoryContent content)
    {
        lock (_lock)
        {
            var before = _shards.Length;
            foreach (var joined in content.Shards)
            {
                if (!Array.Exists(_shards, shard => shard.Name == joined.Name))
                    _shards = [.. _shards, _file.GetValueOrDefault(joined.Name) ?? joined.Like(_shards[0])];
            }
            return _shards.Length > before;
        }
    }
}
