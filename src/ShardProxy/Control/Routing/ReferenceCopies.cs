using System.Numerics;
using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;

namespace ShardProxy.Control.Routing;

/// <summary>Whether a reference table holds the same rows on every shard: their count and the sum of their hashes, in whatever order.</summary>
internal static class ReferenceCopies
{
    private const string Settings = "SET LOCAL row_security = off; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; SET LOCAL statement_timeout = 0";

    /// <returns>Null when all copies are the same.</returns>
    /// <exception cref="SqlException">A shard cannot be asked.</exception>
    public static async Task<TableProblem?> CompareAsync(IReadOnlyList<ControlShard> shards, QualifiedName table, CancellationToken cancel)
    {
        var copies = await Task.WhenAll(shards.Select(shard => ReadAsync(shard, table, cancel)));
        for (var index = 1; index < copies.Length; index++)
        {
            if (copies[index] != copies[0])
            {
                return new TableProblem(
                    table,
                    $"reference table {table} has other rows on shard \"{shards[index].Name}\" ({copies[index].Count}) than on \"{shards[0].Name}\" ({copies[0].Count})",
                    "Make the copies alike, or empty them all.");
            }
        }
        return null;
    }

    private static async Task<(long Count, BigInteger Sum)> ReadAsync(ControlShard shard, QualifiedName table, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await TableAccess.ExecuteAsync(connection, Settings, cancel);
            var sql = $"SELECT count(*), coalesce(sum(hashtextextended(t::text COLLATE \"C\", 0)), 0) FROM {SqlText.Identifier(table)} t";
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await using var reader = await command.ExecuteReaderAsync(cancel);
            await reader.ReadAsync(cancel);
            return (reader.GetInt64(0), reader.GetFieldValue<BigInteger>(1));
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }
}
