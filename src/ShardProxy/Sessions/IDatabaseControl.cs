using ShardProxy.Catalog;
using ShardProxy.Planning;
using ShardProxy.Sessions.Committing;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Sessions;

/// <summary>What a session asks of the control side of its database: the routing state now, and changes to it.</summary>
public interface IDatabaseControl
{
    /// <summary>Swapped whole; read once per statement.</summary>
    RoutingState Routing { get; }

    /// <summary>Reads the catalog again; completes when a state read after the call is published.</summary>
    Task RefreshCatalogAsync();

    /// <summary>A login failed: what is known of passwords may be old.</summary>
    void ForgetVerifiers();

    /// <summary>create_distributed_table and create_reference_table. Throws <see cref="SqlErrorException"/>.</summary>
    Task DistributeAsync(DistributePlan plan, IReadOnlyList<string> searchPath, string user);

    /// <summary>Asks where the keys wanted are. Throws <see cref="SqlErrorException"/>.</summary>
    /// <param name="mayPlace">A new key that becomes a row's is given a place.</param>
    /// <returns>False when one is being moved, and so is nowhere until it has arrived.</returns>
    Task<bool> PlaceKeysAsync(KeyPlaces places, bool mayPlace);

    /// <summary>move_shard_key. Throws <see cref="SqlErrorException"/>.</summary>
    Task MoveKeyAsync(MoveKeyPlan plan, IReadOnlyList<string> searchPath, string user);

    /// <summary>add_shard. Throws <see cref="SqlErrorException"/>.</summary>
    Task AddShardAsync(AddShardPlan plan, string user);

    /// <summary>add_shard_range, add_shard_list, split_shard_range. Throws <see cref="SqlErrorException"/>.</summary>
    Task ChangePlacementAsync(PlacementPlan plan, IReadOnlyList<string> searchPath, string user);

    /// <summary>What is known and under way of transactions over several shards.</summary>
    DatabaseCommits Commits { get; }

    /// <summary>Asks a shard what it has for such transactions, and makes what it lacks. What was learnt is in <see cref="Commits"/>.</summary>
    Task PrepareForCommitsAsync(int shard);

    /// <summary>The final word on a transaction, which waits for its deciding shard. After a word it can be decided no other way.</summary>
    Task<CommitDecision> DecideAsync(int shard, string id, TimeSpan patience);

    /// <summary>Commits or rolls back what is left of a transaction on all shards, as was decided. False: not done within the patience; it will be.</summary>
    Task<bool> FinishAsync(GlobalTransactionId transaction, TimeSpan patience);

    /// <summary>What a shard has for global indexes; made when it is asked for first. Throws <see cref="SqlErrorException"/>.</summary>
    ValueTask<UniqueSupport> UniqueSupportAsync(int shard);

    /// <summary>Draws values of a sequence of the home shard. Throws <see cref="SqlErrorException"/>.</summary>
    /// <param name="sequence">Its object id there.</param>
    /// <param name="user">The role that must be allowed to draw; null when nobody need be asked.</param>
    Task<long[]> DrawAsync(uint sequence, int count, string? user);

    /// <summary>Grows when sequences may have been set or dropped: values drawn before are given up.</summary>
    long SequenceEpoch { get; }
}
