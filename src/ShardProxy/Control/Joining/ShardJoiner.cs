using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Configuration;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Running;

namespace ShardProxy.Control.Joining;

/// <summary>
/// Adds a shard to a running database:
/// 1. a lock on the home shard keeps out what is for all shards: DDL, writes to reference tables;
/// 2. it is checked that the new server is nobody else's shard and has the roles, schemas, extensions, types and functions of the others;
/// 3. the declared tables are made there, with their global indexes, and the reference tables filled;
/// 4. the directory names the shard, and every proxy routes by that: the shard is read, and takes part in DDL;
/// 5. lookup groups get a slot on it, so that new keys can be placed there;
/// 6. the lock is let go.
/// Interrupted before 4, nothing has changed for anybody, and the next attempt takes what it finds. See docs/decisions/adding-a-shard.md.
/// </summary>
internal sealed class ShardJoiner(
    IReadOnlyList<ControlShard> shards, DatabaseDirectory directory, LimitsConfig limits, Func<Task> refresh, Func<Task> publish)
{
    private const string Patience = "10s";

    /// <exception cref="SqlException">Refused or failed; the shard has not joined.</exception>
    public async Task RunAsync(ShardConfig shard, string user, CancellationToken cancel)
    {
        await using var joining = new ControlShard(shard, limits);
        await using var home = await shards[0].OpenAsync(cancel);
        try
        {
            await using var transaction = await home.BeginTransactionAsync(cancel);
            await LockAsync(home, cancel);
            if (directory.Store.IsShared)
                await directory.ReloadAsync(cancel);
            if (directory.Shards.All(known => known.Name != shard.Name))
                await JoinAsync(shard, joining, home, user, cancel);
            // Of a shard that joined through a proxy which died then, this may be left to do.
            await directory.ChangeAsync(content => [.. SlotsFor(content, shard.Name)], user, CancellationToken.None);
            await publish();
            await transaction.CommitAsync(CancellationToken.None);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            throw shards[0].Explain(exception);
        }
    }

    private async Task JoinAsync(ShardConfig shard, ControlShard joining, NpgsqlConnection home, string user, CancellationToken cancel)
    {
        await CheckStampAsync(joining, cancel);
        await refresh();
        ControlShard[] known = [.. shards];
        await SharedObjects.EnsureAsync(known, joining, cancel);
        var tables = new DeclaredTables(known, joining, home);
        await tables.MakeAsync(directory.Content.Tables, cancel);
        await tables.FillAsync(directory.Content.Tables, cancel);
        await directory.ChangeAsync(
            content => content.Shards.Any(each => each.Name == shard.Name) ? [] : [new ShardJoined(JoinedShard.Of(shard))], user, cancel);
        // From here on the shard is one: what follows must not be given up halfway.
        try
        {
            await refresh();
        }
        catch (SqlException)
        {
            // Logged. A shard that was not read is read at its first use.
        }
        await publish();
    }

    private static async Task LockAsync(NpgsqlConnection home, CancellationToken cancel)
    {
        try
        {
            await TableAccess.ExecuteAsync(home, $"SET LOCAL lock_timeout = '{Patience}'; SET LOCAL row_security = off; {ShardFence.ExclusiveStatement}", cancel);
        }
        catch (PostgresException exception) when (exception.SqlState == SqlStates.LockNotAvailable)
        {
            throw new SqlException(
                SqlStates.LockNotAvailable,
                $"no shard was added, because a transaction with a change of the schema or of a reference table has not ended within {Patience}",
                "Try again when it has.");
        }
    }

    private async Task CheckStampAsync(ControlShard joining, CancellationToken cancel)
    {
        await using var connection = await joining.OpenAsync(cancel);
        try
        {
            await using var command = new NpgsqlCommand(Stamp.Query, connection);
            var found = await command.ExecuteScalarAsync(cancel) as string;
            var stamp = new Stamp(directory.Content.Cluster, directory.Database, joining.Name);
            if (stamp.DescribeMismatch(found, joining.Config.Primary.ToString()) is { } mismatch)
                throw new SqlException(SqlStates.ObjectNotInPrerequisiteState, mismatch, "Give the new shard a database of its own.");
        }
        catch (NpgsqlException exception)
        {
            throw joining.Explain(exception);
        }
    }

    private static IEnumerable<DirectoryChange> SlotsFor(DirectoryContent content, string shard) =>
        from each in content.Groups
        let rule = each.Rule as LookupRule
        // With zones no key may be on it before a zone has it.
        where rule is { HasZones: false } && rule.Slots.All(bucket => content.ShardOfBucket[bucket] != shard)
        select new PlacementAdded(each.Name, LookupRule.EntryOf(rule.Policy, rule.Id, shard));
}
