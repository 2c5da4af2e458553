using System.Collections.Concurrent;
using System.Text;
using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Recovery;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Control.Lookups;

/// <summary>
/// move_shard_key:
/// 1. the move is announced in the directory: from then on every proxy lets new transactions wait that want the key;
/// 2. transactions that were at its shard before are waited for, on every proxy;
/// 3. its rows in all tables of the group go to the new shard, in one transaction over both;
/// 4. its entry follows, and the announcement is taken back.
/// Interrupted before 3, the key stays; after it, whoever finds the announcement of a proxy that is gone looks where the rows are.
/// See docs/decisions/moving-a-key.md.
/// </summary>
internal sealed class KeyMover(
    IReadOnlyList<ControlShard> shards,
    DatabaseDirectory directory,
    Func<RoutingState> routing,
    KeyPlacer placer,
    Func<Task> publish,
    Func<long, TimeSpan, Task<bool>> drained)
{
    /// <summary>For transactions that are in the way. Those who wait for the key wait longer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const string Recovery = "recovery";

    private readonly ConcurrentDictionary<(string Group, string Key), bool> _moving = new();
    private readonly KeyFinder _finder = new(shards);

    /// <summary>Whether this process is at it.</summary>
    public bool IsMoving(KeyMove move) => _moving.ContainsKey((move.Group, move.Key));

    /// <param name="user">The client's role on the home shard, who must own the table.</param>
    /// <param name="owner">This proxy's id in the fleet.</param>
    public async Task RunAsync(MoveKeyPlan plan, IReadOnlyList<string> searchPath, string user, string owner, CommitControl commits, CancellationToken cancel)
    {
        var target = shards.ToList().FindIndex(shard => shard.Name == plan.Shard);
        if (target < 0)
            throw Refuse($"there is no shard \"{plan.Shard}\"; the shards are {string.Join(", ", shards.Select(static shard => shard.Name))}");
        var (table, type) = await ResolveAsync(plan, searchPath, user, cancel);
        var placement = PlacementOf(table, type);
        var image = new ByteBuffer();
        placement.Begin(image);
        if (KeyImage.TryReadText(new KeyTarget(type, -1, KeyUse.Compare), Encoding.UTF8.GetBytes(plan.Key), image) != KeyHashResult.Hashed)
            throw Refuse($"{plan.Key} is not a value of the key column's type, written plainly");
        var key = image.Unread.ToArray();
        await EnsureSlotAsync(placement, target, user, cancel);
        placement = PlacementOf(table, type);
        var from = await PlaceAsync(placement, key, target, cancel);
        if (from == SlotOn(placement.Rule, target))
            return;
        await MoveAsync(placement, key, from, SlotOn(placement.Rule, target), user, owner, commits, cancel);
    }

    /// <summary>Ends a move whose proxy is gone, by where the key's rows are; left for later while that is not certain.</summary>
    public async Task EndLostAsync(KeyMove move, CancellationToken cancel)
    {
        var group = directory.Content.Groups.FirstOrDefault(group => group.Rule is LookupRule known && known.Id == move.Group);
        if (group?.Rule is LookupRule rule)
        {
            var source = shards[routing().Directory.ShardOfBucket(rule.Slots[move.From])];
            if (!await MoveLock.TryAsync(source, move, () => TrySettleAsync(group, rule, move, cancel), cancel))
                return;
        }
        else
        {
            await EndAsync(move.Group, move.Key, Recovery, cancel);
        }
    }

    private async Task<bool> TrySettleAsync(KeyGroup group, LookupRule rule, KeyMove move, CancellationToken cancel)
    {
        var target = routing().Directory.ShardOfBucket(rule.Slots[move.To]);
        // A part that stands prepared is rows that may yet be there or not; recovery comes by.
        if (await RowMove.IsPreparedAsync(shards[target], directory.Content.Cluster, cancel))
            return false;
        var image = Convert.FromHexString(move.Key);
        var types = KeyFinder.KeyTypesOf(routing(), group.Name).ToArray();
        var placement = types.Select(type => group.For(type, out _)).OfType<LookupPlacement>().FirstOrDefault(placement => placement.IsOf(image));
        if (placement is not null)
        {
            var shard = (await _finder.FindAsync(routing(), group.Name, placement.Type, [image[1..]], cancel))[0];
            if (shard == target)
                await directory.Store.Keys.MoveAsync(directory.Database, move.Group, image, move.From, move.To, cancel);
        }
        await EndAsync(move.Group, move.Key, Recovery, cancel);
        return true;
    }

    private async Task MoveAsync(
        LookupPlacement placement, byte[] key, int from, int to, string user, string owner, CommitControl commits, CancellationToken cancel)
    {
        var rule = placement.Rule;
        var text = Convert.ToHexString(key);
        _moving[(rule.Id, text)] = true;
        try
        {
            var content = await directory.ChangeAsync(_ => [new KeyMoveBegun(rule.Id, text, from, to, owner)], user, cancel);
            var number = content.Moves.First(move => move.Group == rule.Id && move.Key == text).Number;
            try
            {
                await publish();
                if (!await drained(number, Patience))
                {
                    throw new SqlException(
                        SqlStates.LockNotAvailable,
                        $"the key {KeyImageText.Write(placement.Type, key.AsSpan(1))} was not moved, because transactions on its shard have not ended within {Patience.TotalSeconds:0} s",
                        "Try again when they have.");
                }
                // It may have been moved by another before this one was announced.
                var at = (await directory.Store.Keys.FindAsync(directory.Database, rule.Id, [key], cancel)).Slots[0];
                if (at != from)
                    throw new SqlException(SqlStates.SerializationFailure, "the key was moved by somebody else at the same time", "Try again.");
                var shardOf = routing().Directory;
                var rows = new RowMove(
                    shards, shardOf.ShardOfBucket(rule.Slots[from]), shardOf.ShardOfBucket(rule.Slots[to]),
                    [.. KeyFinder.TablesOf(routing(), placement.Group, placement.Type)], key[1..])
                {
                    Residency = new Residency(routing(), rule, to),
                };
                await rows.RunAsync(commits, directory.Content.Cluster, MoveLock.Statement(rule.Id, text), () => EnsureAnnouncedAsync(number), cancel);
            }
            catch (MoveUnknownException unknown)
            {
                // The announcement stays until it is known where the rows are.
                throw new SqlException(
                    SqlStates.TransactionResolutionUnknown,
                    $"it is not known yet whether the key was moved, because {unknown.InnerException!.Message}",
                    "The proxy finds out by itself; until then statements on the key wait.");
            }
            catch
            {
                await EndAsync(rule.Id, text, user, CancellationToken.None);
                throw;
            }
            await directory.Store.Keys.MoveAsync(directory.Database, rule.Id, key, from, to, CancellationToken.None);
            await EndAsync(rule.Id, text, user, CancellationToken.None);
        }
        finally
        {
            _moving.TryRemove((rule.Id, text), out _);
        }
    }

    /// <summary>Another proxy that took this one for dead may have ended the move.</summary>
    private async Task EnsureAnnouncedAsync(long number)
    {
        var isAnnounced = false;
        try
        {
            isAnnounced = (await directory.Store.LoadAsync(directory.Database, CancellationToken.None))?.Moves.Any(move => move.Number == number) == true;
        }
        catch (DirectoryException)
        {
            // Not known is not announced.
        }
        if (!isAnnounced)
            throw new SqlException(SqlStates.SerializationFailure, "the directory does not know of the move any more", "Try again.");
    }

    private async Task EndAsync(string group, string key, string user, CancellationToken cancel)
    {
        await directory.ChangeAsync(
            content => content.Moves.Any(move => move.Group == group && move.Key == key) ? [new KeyMoveEnded(group, key)] : [], user, cancel);
        await publish();
    }

    private async Task<(QualifiedName Table, uint Type)> ResolveAsync(MoveKeyPlan plan, IReadOnlyList<string> searchPath, string user, CancellationToken cancel)
    {
        await using var connection = await shards[0].OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await TableAccess.SetSearchPathAsync(connection, searchPath, cancel);
            var (oid, table) = await TableDistributor.NameOfAsync(connection, plan.Table, cancel);
            await DistributionChecks.EnsureTableAsync(connection, new DistributionRequest(oid, table, null, null), user, cancel);
            return (table, await PlacementChanger.KeyTypeAsync(connection, oid, table, directory.Content, cancel));
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            throw shards[0].Explain(exception);
        }
    }

    private LookupPlacement PlacementOf(QualifiedName table, uint type) =>
        routing().Directory.Find(table)?.Placement?.For(type, out _) as LookupPlacement
        ?? throw Refuse($"table {table} is not placed by look-up: its keys have no places of their own");

    private async Task EnsureSlotAsync(LookupPlacement placement, int target, string user, CancellationToken cancel)
    {
        if (SlotOn(placement.Rule, target) >= 0)
            return;
        if (placement.Rule.HasZones)
            throw Refuse($"no zone of the group {placement.Group} has the shard \"{shards[target].Name}\"");
        var entry = LookupRule.EntryOf(placement.Rule.Policy, placement.Rule.Id, shards[target].Name);
        await directory.ChangeAsync(_ => [new PlacementAdded(placement.Group, entry)], user, cancel);
        await publish();
    }

    /// <summary>The slot of the key as it is; a key that is nowhere gets its place on the target.</summary>
    private async Task<int> PlaceAsync(LookupPlacement placement, byte[] key, int target, CancellationToken cancel)
    {
        var places = new KeyPlaces();
        var wanted = places.Want(placement, key, stored: false);
        if (!await placer.ResolveAsync(places, mayPlace: false, cancel))
            throw new SqlException(SqlStates.LockNotAvailable, "the key is being moved already", "Try again.");
        if (wanted.Bucket >= 0)
            return placement.Rule.Slots.ToList().IndexOf(wanted.Bucket);
        var store = directory.Store.Keys;
        var epoch = (await store.FindAsync(directory.Database, placement.Rule.Id, [], cancel)).Epoch;
        if (!await placer.WhenWhole(epoch, cancel))
            throw new SqlException(SqlStates.CannotConnectNow, "the directory's store has lost its memory, and not every proxy has told it yet what it remembers", "Try again.");
        directory.Cache.NotePlacing();
        try
        {
            var answers = await store.PlaceAsync(
                directory.Database, placement.Rule.Id, [new KeyProposal(key, SlotOn(placement.Rule, target))], placement.Rule.Slots.Count, epoch, cancel);
            if (answers.Slots.Count == 0)
                throw new SqlException(SqlStates.SerializationFailure, "the directory's store has lost its memory meanwhile", "Try again.");
            directory.Cache.Set(directory.Cache.Register(placement.Rule.Id), key, answers.Slots[0]);
            return answers.Slots[0];
        }
        finally
        {
            directory.Cache.NotePlacing();
        }
    }

    private int SlotOn(LookupRule rule, int shard) => rule.Slots.ToList().FindIndex(bucket => routing().Directory.ShardOfBucket(bucket) == shard);

    private static SqlException Refuse(string reason) => new(SqlStates.InvalidParameterValue, reason);
}
