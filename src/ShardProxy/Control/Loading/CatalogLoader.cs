using System.Data;
using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Loading;

/// <summary>
/// Reads the catalogs of a database's shards, all at once and each in one round trip and one consistent snapshot. The
/// home shard must answer; of a shard that does not, what an earlier load read goes on to be used.
/// </summary>
internal sealed class CatalogLoader(IReadOnlyList<ControlShard> shards, Func<int, Stamp> stampOf)
{
    /// <summary>How long a load waits behind somebody's DDL (pg_get_viewdef and its kin lock what they print).</summary>
    private const string LockTimeout = "SET LOCAL lock_timeout = '5s'";

    /// <param name="declared">Tables whose shape is compared between the shards.</param>
    /// <exception cref="SqlException">The home shard cannot be read.</exception>
    public async Task<LoadedCatalog> LoadAsync(IReadOnlyCollection<QualifiedName> declared, LoadedCatalog? previous, CancellationToken cancel)
    {
        var count = shards.Count;
        var others = Enumerable.Range(1, count - 1).Select(index => TryReadAsync(index, declared, cancel)).ToArray();
        HomeCatalog home;
        try
        {
            home = await ReadAsync(shards[0], batch => HomeCatalogReader.AddTo(batch, declared), HomeCatalogReader.ReadAsync, cancel);
            CheckStamp(0, home.Objects);
        }
        finally
        {
            await Task.WhenAll(others);
        }
        var objects = new ShardObjects?[count];
        var failures = new SqlException?[count];
        objects[0] = home.Objects;
        for (var index = 1; index < count; index++)
        {
            (objects[index], failures[index]) = CheckEncoding(index, await others[index - 1], home.Objects.Nature);
            objects[index] ??= previous?.Shards.ElementAtOrDefault(index);
        }
        return new LoadedCatalog(home, objects, failures);
    }

    private async Task<(ShardObjects?, SqlException?)> TryReadAsync(
        int index, IReadOnlyCollection<QualifiedName> declared, CancellationToken cancel)
    {
        try
        {
            var objects = await ReadAsync(shards[index], batch => ShardObjectsReader.AddTo(batch, declared), ShardObjectsReader.ReadAsync, cancel);
            CheckStamp(index, objects);
            return (objects, null);
        }
        catch (SqlException exception)
        {
            return (null, exception);
        }
    }

    /// <summary>Text would change on its way between shards, or not be able to make it.</summary>
    private (ShardObjects?, SqlException?) CheckEncoding(int index, (ShardObjects? Objects, SqlException? Failure) read, ShardNature home)
    {
        if (read.Objects is null || read.Objects.Nature.Encoding == home.Encoding)
            return read;
        return (null, new SqlException(
            SqlStates.CannotConnect,
            $"the database {shards[index].Config.Primary} has the encoding {read.Objects.Nature.Encoding}, and the home shard's {home.Encoding}",
            "Create the shards' databases with one encoding."));
    }

    /// <summary>What another shard's server says must not be used.</summary>
    private void CheckStamp(int index, ShardObjects objects)
    {
        if (stampOf(index).DescribeMismatch(objects.Stamp, shards[index].Config.Primary.ToString()) is { } mismatch)
        {
            throw new SqlException(
                SqlStates.CannotConnect, mismatch, "Correct the shard's connection string, or the path of the directory.");
        }
    }

    private static async Task<T> ReadAsync<T>(
        ControlShard shard, Action<NpgsqlBatch> addQueries, Func<NpgsqlDataReader, CancellationToken, Task<T>> read, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            // Npgsql sends BEGIN with the first batch, so this costs no round trip.
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancel);
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(LockTimeout));
            addQueries(batch);
            await using var reader = await batch.ExecuteReaderAsync(cancel);
            var result = await read(reader, cancel);
            await reader.CloseAsync();
            await transaction.CommitAsync(cancel);
            return result;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or IOException)
        {
            throw shard.Explain(exception);
        }
    }
}
