using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;

namespace ShardProxy.Control.Routing;

/// <summary>Whether a sharded table's rows stand on the shards that own their buckets.</summary>
internal static class RowPlacement
{
    /// <returns>Null when they do.</returns>
    /// <exception cref="SqlException">A shard cannot be asked.</exception>
    public static async Task<TableProblem?> CheckAsync(
        IReadOnlyList<ControlShard> shards, DeclaredTable table, Column key, DirectorySnapshot directory, CancellationToken cancel)
    {
        for (var index = 0; index < shards.Count; index++)
        {
            if (await HasStrayAsync(shards[index], index, table, key, directory, cancel))
            {
                return new TableProblem(
                    table.Name,
                    $"table {table.Name} has rows on shard \"{shards[index].Name}\" that belong on others by the hash of \"{table.Distribution.KeyColumn}\"",
                    "Empty the table on every shard and load the rows through the proxy.");
            }
        }
        return null;
    }

    private static async Task<bool> HasStrayAsync(
        ControlShard shard, int index, DeclaredTable table, Column key, DirectorySnapshot directory, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await TableAccess.ExecuteAsync(connection, "SET LOCAL row_security = off; SET LOCAL statement_timeout = 0", cancel);
            return await TableAccess.HasRowsAsync(connection, table.Name, cancel);
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }
}
