using Npgsql;
using NpgsqlTypes;
using ShardProxy.Control.Shards;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Control.Sequences;

/// <summary>
/// Draws values from the home shard's sequences. A sequence of a sharded table has a stretch of numbers on each shard; when
/// the home shard's is used up, the next shard's is drawn from, so that the whole range can be used.
/// </summary>
internal sealed class SequenceDrawer(IReadOnlyList<ControlShard> shards)
{
    /// <summary>"sequence_generator_limit_exceeded": nextval() reached the sequence's last value.</summary>
    private const string UsedUp = "2200H";

    /// <summary>A transaction that restarts or drops the sequence holds it locked; its own client may be the one that waits here.</summary>
    private const string LockTimeout = "SET LOCAL lock_timeout = '3s'";

    private const string DrawSql = "SELECT nextval($1::regclass) FROM generate_series(1, $2)";

    /// <param name="sequence">Object id on the home shard.</param>
    /// <param name="user">The role that must be allowed to; null when nobody need be asked.</param>
    /// <exception cref="SqlException">As nextval() would say it.</exception>
    public async Task<long[]> DrawAsync(uint sequence, int count, string? user)
    {
        var name = await NameAsync(sequence, user);
        foreach (var shard in shards)
        {
            if (await TryDrawAsync(shard, name, count) is { } values)
                return values;
            // The last numbers may be fewer than a block.
            if (count > 1 && await TryDrawAsync(shard, name, 1) is { } one)
                return one;
        }
        throw new SqlException(new ServerError(UsedUp, $"nextval: reached maximum value of sequence {name} on every shard"));
    }

    /// <summary>Qualified and quoted; the other shards have it under the same name.</summary>
    private async Task<string> NameAsync(uint sequence, string? user)
    {
        const string Sql = """
            SELECT format('%I.%I', n.nspname, c.relname), c.relname,
                   $2 IS NULL OR has_sequence_privilege($2, c.oid, 'USAGE') OR has_sequence_privilege($2, c.oid, 'UPDATE')
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1 AND c.relkind = 'S'
            """;
        await using var connection = await shards[0].OpenAsync(CancellationToken.None);
        try
        {
            await using var command = new NpgsqlCommand(Sql, connection);
            command.Parameters.Add(new NpgsqlParameter { Value = sequence, NpgsqlDbType = NpgsqlDbType.Oid });
            command.Parameters.Add(new NpgsqlParameter { Value = (object?)user ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Name });
            await using var reader = await command.ExecuteReaderAsync();
            if (!await reader.ReadAsync())
                throw new SqlException(SqlStates.UndefinedTable, "the sequence from which the column draws does not exist any more");
            return reader.GetBoolean(2)
                ? reader.GetString(0)
                : throw new SqlException(SqlStates.InsufficientPrivilege, $"permission denied for sequence {reader.GetString(1)}");
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            throw shards[0].Explain(exception);
        }
    }

    /// <returns>Null when the shard's numbers are used up.</returns>
    private static async Task<long[]?> TryDrawAsync(ControlShard shard, string name, int count)
    {
        await using var connection = await shard.OpenAsync(CancellationToken.None);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var batch = new NpgsqlBatch(connection, transaction);
            batch.BatchCommands.Add(new NpgsqlBatchCommand(LockTimeout));
            var draw = new NpgsqlBatchCommand(DrawSql);
            draw.Parameters.Add(new NpgsqlParameter { Value = name, NpgsqlDbType = NpgsqlDbType.Text });
            draw.Parameters.Add(new NpgsqlParameter { Value = count, NpgsqlDbType = NpgsqlDbType.Integer });
            batch.BatchCommands.Add(draw);
            var values = new long[count];
            await using (var reader = await batch.ExecuteReaderAsync())
            {
                for (var index = 0; await reader.ReadAsync(); index++)
                    values[index] = reader.GetInt64(0);
            }
            await transaction.CommitAsync();
            return values;
        }
        catch (PostgresException exception) when (exception.SqlState == UsedUp)
        {
            return null;
        }
        catch (PostgresException exception) when (exception.SqlState == SqlStates.LockNotAvailable)
        {
            throw new SqlException(
                SqlStates.LockNotAvailable,
                $"sequence {name} is locked by a transaction that restarts, changes or drops it",
                "Commit that transaction first.");
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            throw shard.Explain(exception);
        }
    }
}
