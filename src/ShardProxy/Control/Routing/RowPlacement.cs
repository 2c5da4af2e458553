using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Control.Routing;

/// <summary>
/// Whether a sharded table's rows stand on the shards that own their buckets. Every key is read and hashed as the data
/// path does it, so this also finds a table that was filled by something that hashes otherwise.
/// </summary>
internal static class RowPlacement
{
    /// <returns>Null when they do.</returns>
    /// <exception cref="SqlException">A shard cannot be asked.</exception>
    public static async Task<TableProblem?> CheckAsync(
        IReadOnlyList<ControlShard> shards, DeclaredTable table, Column key, DirectorySnapshot directory, CancellationToken cancel)
    {
        var strays = await Task.WhenAll(Enumerable.Range(0, shards.Count)
            .Select(index => HasStrayAsync(shards[index], index, table, key, directory, cancel)));
        var shard = Array.IndexOf(strays, true);
        return shard < 0
            ? null
            : new TableProblem(
                table.Name,
                $"table {table.Name} has rows on shard \"{shards[shard].Name}\" that belong on others by \"{key.Name}\"",
                "Empty the table on every shard and load the rows through the proxy.");
    }

    private static async Task<bool> HasStrayAsync(
        ControlShard shard, int index, DeclaredTable table, Column key, DirectorySnapshot directory, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await TableAccess.ExecuteAsync(connection, "SET LOCAL row_security = off; SET LOCAL statement_timeout = 0", cancel);
            if (!await TableAccess.HasRowsAsync(connection, table.Name, cancel))
                return false;
            var rule = directory.Find(table.Name)?.Placement?.Rule as ZoneRule;
            if (rule is null || table.Distribution.ZoneColumn is not { } zoneColumn)
                return await HasStrayAsync(connection, index, table, key, directory, null, 0, "true", cancel);
            var column = SqlText.Identifier(zoneColumn);
            var known = new List<string>();
            foreach (var zone in rule.Zones)
            {
                var values = string.Join(", ", zone.Values.Select(Planning.Identifiers.Literal));
                known.Add(values);
                if (await HasStrayAsync(connection, index, table, key, directory, rule, zone.FirstBucket, $"{column} IN ({values})", cancel))
                    return true;
            }
            // A row of no zone is a stray wherever it is.
            await using var rest = connection.CreateCommand();
            rest.CommandText = $"SELECT EXISTS (SELECT FROM {SqlText.Identifier(table.Name)} WHERE ({column} IN ({string.Join(", ", known)})) IS NOT TRUE)";
            return await rest.ExecuteScalarAsync(cancel) is true;
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }

    /// <param name="zones">The rows are those of one zone, which <paramref name="condition"/> picks; null for a table without zones.</param>
    private static async Task<bool> HasStrayAsync(
        NpgsqlConnection connection, int index, DeclaredTable table, Column key, DirectorySnapshot directory, ZoneRule? zones, int firstBucket, string condition,
        CancellationToken cancel)
    {
        var target = new KeyTarget(key.TypeOid, key.TypeModifier, KeyUse.Compare);
        // A rule that makes no sense for the type is a problem of its own (TableChecks).
        var placement = directory.Find(table.Name)?.Placement?.For(key.TypeOid, out _);
        var image = new ByteBuffer();
        var stream = await connection.BeginRawBinaryCopyAsync(CopyOf(table.Name, key, condition), cancel);
        await using var keys = new BinaryCopyKeys(stream);
        while (await keys.ReadAsync(cancel))
        {
            if (!IsAt(index, target, keys, directory, placement, image, zones, firstBucket))
            {
                await stream.CancelAsync();
                return true;
            }
        }
        return false;
    }

    /// <summary>Text as the bytes that the server stores and hashes, whatever its encoding; other types as they are sent.</summary>
    private static string CopyOf(QualifiedName table, Column key, string condition = "true")
    {
        var column = SqlText.Identifier(key.Name);
        if (IsText(key.TypeOid))
            column = $"convert_to({column}::text, getdatabaseencoding())";
        return $"COPY (SELECT {column} FROM {SqlText.Identifier(table)} WHERE {condition}) TO STDOUT (FORMAT BINARY)";
    }

    private static bool IsAt(
        int shard, in KeyTarget target, BinaryCopyKeys keys, DirectorySnapshot directory, KeyPlacement? placement, ByteBuffer image, ZoneRule? zones, int firstBucket)
    {
        // No statement can put a row without a key anywhere, so it is a stray wherever it is.
        if (keys.IsNull)
            return false;
        // char(n) has lost its trailing blanks to the cast, as its hash does.
        var type = IsText(target.Type) ? TypeOid.Text : target.Type;
        var read = target.Type == TypeOid.Bpchar ? target with { Type = TypeOid.Text } : target;
        if (placement is null)
        {
            return KeyHasher.TryHashParameter(read, type, binary: true, keys.Current, out var hash) == KeyHashResult.Hashed
                && directory.ShardOfBucket(zones is null ? directory.BucketOf(hash) : firstBucket + zones.PositionOf(hash)) == shard;
        }
        image.Clear();
        return KeyImage.TryReadParameter(read, type, binary: true, keys.Current, image) == KeyHashResult.Hashed
            && placement.Find(image.Unread) is >= 0 and var bucket
            && directory.ShardOfBucket(firstBucket + bucket) == shard;
    }

    /// <summary>
    /// As <see cref="CheckAsync"/>, for keys that are placed by look-up: they are where their rows are, so the directory is told,
    /// and a key of which it knows another place is astray.
    /// </summary>
    /// <param name="adopt">Tells the directory of keys' images on a shard: whether all are placed there now.</param>
    public static async Task<TableProblem?> AdoptAsync(
        IReadOnlyList<ControlShard> shards, DeclaredTable table, Column key, LookupPlacement placement, DirectorySnapshot directory,
        Func<int, IReadOnlyList<byte[]>, Task<bool>> adopt, CancellationToken cancel)
    {
        for (var shard = 0; shard < shards.Count; shard++)
        {
            if (await IsAbroadAsync(shards[shard], shard, table, placement.Rule, directory, cancel))
            {
                return new TableProblem(
                    table.Name,
                    $"table {table.Name} has rows on shard \"{shards[shard].Name}\" whose zone does not have that shard",
                    "Empty the table on every shard and load the rows through the proxy.");
            }
            if (!await AdoptAsync(shards[shard], shard, table, key, placement, adopt, cancel))
            {
                return new TableProblem(
                    table.Name,
                    $"table {table.Name} has rows on shard \"{shards[shard].Name}\" whose \"{key.Name}\" is placed on another, or is no key",
                    "Empty the table on every shard and load the rows through the proxy.");
            }
        }
        return null;
    }

    /// <summary>Whether a shard has rows that their zone keeps from it.</summary>
    private static async Task<bool> IsAbroadAsync(
        ControlShard shard, int index, DeclaredTable table, LookupRule rule, DirectorySnapshot directory, CancellationToken cancel)
    {
        if (!rule.HasZones || table.Distribution.ZoneColumn is not { } zone)
            return false;
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await TableAccess.ExecuteAsync(connection, "SET LOCAL row_security = off; SET LOCAL statement_timeout = 0", cancel);
            var values = rule.Zones
                .Where(each => each.Slots.Any(slot => directory.ShardOfBucket(rule.Slots[slot]) == index))
                .SelectMany(static each => each.Values).Select(Planning.Identifiers.Literal).ToArray();
            var here = values.Length == 0 ? "false" : $"{SqlText.Identifier(zone)} IN ({string.Join(", ", values)})";
            await using var command = connection.CreateCommand();
            command.CommandText = $"SELECT EXISTS (SELECT FROM {SqlText.Identifier(table.Name)} WHERE ({here}) IS NOT TRUE)";
            return await command.ExecuteScalarAsync(cancel) is true;
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }

    private static async Task<bool> AdoptAsync(
        ControlShard shard, int index, DeclaredTable table, Column key, LookupPlacement placement,
        Func<int, IReadOnlyList<byte[]>, Task<bool>> adopt, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await TableAccess.ExecuteAsync(connection, "SET LOCAL row_security = off; SET LOCAL statement_timeout = 0", cancel);
            if (!await TableAccess.HasRowsAsync(connection, table.Name, cancel))
                return true;
            var batch = new HashSet<string>(StringComparer.Ordinal);
            var image = new ByteBuffer();
            var stream = await connection.BeginRawBinaryCopyAsync(CopyOf(table.Name, key), cancel);
            await using var keys = new BinaryCopyKeys(stream);
            var more = true;
            while (more)
            {
                more = await keys.ReadAsync(cancel);
                if (more)
                {
                    placement.Begin(image);
                    if (!TryReadImage(key, keys, image))
                    {
                        await stream.CancelAsync();
                        return false;
                    }
                    batch.Add(Convert.ToHexString(image.Unread));
                }
                if (batch.Count == 0 || (more && batch.Count < IKeyStore.LargestBatch))
                    continue;
                if (!await adopt(index, [.. batch.Select(Convert.FromHexString)]))
                {
                    if (more)
                        await stream.CancelAsync();
                    return false;
                }
                batch.Clear();
            }
            return true;
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }

    private static bool TryReadImage(Column key, BinaryCopyKeys keys, ByteBuffer image)
    {
        if (keys.IsNull)
            return false;
        var type = IsText(key.TypeOid) ? TypeOid.Text : key.TypeOid;
        var target = new KeyTarget(key.TypeOid == TypeOid.Bpchar ? TypeOid.Text : key.TypeOid, key.TypeModifier, KeyUse.Compare);
        return KeyImage.TryReadParameter(target, type, binary: true, keys.Current, image) == KeyHashResult.Hashed;
    }

    private static bool IsText(uint type) => type is TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar;
}
