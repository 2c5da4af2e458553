using ShardProxy.Catalog;
using ShardProxy.Control.Authentication;
using ShardProxy.Control.Recovery;
using ShardProxy.Control.Routing;
using ShardProxy.Control.Shards;
using ShardProxy.Planning;
using ShardProxy.Sessions;
using ShardProxy.Sessions.Committing;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control;

/// <summary>The control side of one database as its sessions see it.</summary>
internal sealed class DatabaseControl(DatabaseRouting routing, VerifierLookup? verifiers, CommitControl commits) : IDatabaseControl
{
    public RoutingState Routing => routing.Current;

    public async Task RefreshCatalogAsync()
    {
        // What changed may have been a role.
        ForgetVerifiers();
        try
        {
            await routing.OnSchemaChangedAsync(CancellationToken.None);
        }
        catch (SqlException)
        {
            // The statement has committed; the state is read again in the background as soon as the home shard answers.
        }
    }

    public void ForgetVerifiers() => verifiers?.Forget();

    public async Task DistributeAsync(DistributePlan plan, IReadOnlyList<string> searchPath, string user)
    {
        try
        {
            await routing.DeclareAsync(plan, searchPath, user, CancellationToken.None);
        }
        catch (SqlException exception)
        {
            throw new SqlErrorException(exception.Error);
        }
    }

    public async Task<bool> PlaceKeysAsync(KeyPlaces places, bool mayPlace)
    {
        try
        {
            return await routing.PlaceKeysAsync(places, mayPlace, CancellationToken.None);
        }
        catch (SqlException exception)
        {
            throw new SqlErrorException(exception.Error);
        }
    }

    public async Task MoveKeyAsync(MoveKeyPlan plan, IReadOnlyList<string> searchPath, string user)
    {
        try
        {
            await routing.MoveKeyAsync(plan, searchPath, user, commits, CancellationToken.None);
        }
        catch (SqlException exception)
        {
            throw new SqlErrorException(exception.Error);
        }
    }

    public async Task AddShardAsync(AddShardPlan plan, string user)
    {
        try
        {
            await routing.AddShardAsync(plan, user, CancellationToken.None);
        }
        catch (SqlException exception)
        {
            throw new SqlErrorException(exception.Error);
        }
    }

    public async Task ChangePlacementAsync(PlacementPlan plan, IReadOnlyList<string> searchPath, string user)
    {
        try
        {
            await routing.ChangePlacementAsync(plan, searchPath, user, CancellationToken.None);
        }
        catch (SqlException exception)
        {
            throw new SqlErrorException(exception.Error);
        }
    }

    public DatabaseCommits Commits => commits.Commits;

    // Off the session's loop: they wait for servers.
    public Task PrepareForCommitsAsync(int shard) => Task.Run(() => commits.PrepareAsync(shard, CancellationToken.None));

    public Task<CommitDecision> DecideAsync(int shard, string id, TimeSpan patience) => Task.Run(() => commits.DecideAsync(shard, id, patience));

    public Task<bool> FinishAsync(GlobalTransactionId transaction, TimeSpan patience) => Task.Run(() => commits.FinishAsync(transaction, patience));

    public ValueTask<UniqueSupport> UniqueSupportAsync(int shard) =>
        routing.Uniques.Known(shard) is { } known ? ValueTask.FromResult(known) : new ValueTask<UniqueSupport>(AskAsync(shard));

    public long SequenceEpoch => routing.SequenceEpoch;

    public async Task<long[]> DrawAsync(uint sequence, int count, string? user)
    {
        try
        {
            return await routing.Sequences.DrawAsync(sequence, count, user);
        }
        catch (SqlException exception)
        {
            throw new SqlErrorException(exception.Error);
        }
    }

    private async Task<UniqueSupport> AskAsync(int shard)
    {
        try
        {
            // Off the session's loop: it waits for a server.
            return await Task.Run(() => routing.Uniques.SupportAsync(shard, CancellationToken.None));
        }
        catch (SqlException exception)
        {
            throw new SqlErrorException(exception.Error);
        }
    }
}
