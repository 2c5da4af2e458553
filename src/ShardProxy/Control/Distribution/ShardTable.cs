using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Control.Shards;
using ShardProxy.Control.Uniqueness;
using ShardProxy.Directory;
using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Uniqueness;

namespace ShardProxy.Control.Distribution;

/// <summary>
/// A table being made on one shard like the home shard's, in a transaction that stays open until all shards have it.
/// A table that is there already is taken when it is made alike and empty, which is what an interrupted declaration leaves.
/// </summary>
internal sealed class ShardTable : IAsyncDisposable
{
    private readonly ControlShard _shard;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private ShardTable(ControlShard shard, NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _shard = shard;
        _connection = connection;
        _transaction = transaction;
    }

    /// <param name="mayHaveRows">Its rows, if it is there, are for the caller to look at.</param>
    /// <exception cref="SqlException">The shard cannot be reached, or has another table of this name.</exception>
    public static async Task<ShardTable> MakeAsync(
        ControlShard shard, QualifiedName name, TableDefinition definition, CancellationToken cancel, bool mayHaveRows = false)
    {
        var connection = await shard.OpenAsync(cancel);
        ShardTable? table = null;
        try
        {
            table = new ShardTable(shard, connection, await connection.BeginTransactionAsync(cancel));
            await table.MakeAsync(name, definition, mayHaveRows, cancel);
            return table;
        }
        catch (Exception exception)
        {
            if (table is not null)
                await table.DisposeAsync();
            else
                await connection.DisposeAsync();
            if (exception is NpgsqlException or IOException or TimeoutException)
                throw shard.Explain(exception);
            throw;
        }
    }

    /// <summary>Gives the table's sequences their numbers.</summary>
    /// <param name="statementFor">The statement for a sequence as it stands on this shard; null for none.</param>
    public async Task AdjustSequencesAsync(QualifiedName name, Func<SequenceState, string?> statementFor, CancellationToken cancel)
    {
        try
        {
            await SequenceRange.AdjustAsync(_connection, name, statementFor, cancel);
        }
        catch (NpgsqlException exception)
        {
            throw _shard.Explain(exception);
        }
    }

    /// <summary>Makes the views that read the table.</summary>
    public async Task MakeViewsAsync(IReadOnlyList<DependentView> views, CancellationToken cancel)
    {
        try
        {
            await DependentViews.MakeAsync(_connection, _transaction, views, cancel);
        }
        catch (NpgsqlException exception)
        {
            throw _shard.Explain(exception);
        }
    }

    /// <summary>Makes what keeps its unique indexes unique over all shards.</summary>
    public async Task MakeIndexesAsync(
        UniqueSupport support, QualifiedName name, IReadOnlyList<(string Id, MissingIndex Index)> indexes, CancellationToken cancel)
    {
        try
        {
            await UniqueObjects.MakeAsync(_connection, support, name, indexes, cancel);
        }
        catch (NpgsqlException exception)
        {
            throw _shard.Explain(exception);
        }
    }

    public async Task CommitAsync(CancellationToken cancel)
    {
        try
        {
            await _transaction.CommitAsync(cancel);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException)
        {
            throw _shard.Explain(exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private async Task MakeAsync(QualifiedName name, TableDefinition definition, bool mayHaveRows, CancellationToken cancel)
    {
        await TableAccess.ExecuteAsync(_connection, "SET LOCAL lock_timeout = '10s'; SET LOCAL row_security = off; SET LOCAL check_function_bodies = off", cancel);
        var oid = await TableAccess.FindAsync(_connection, SqlText.Identifier(name), cancel);
        if (oid == 0)
        {
            foreach (var statement in definition.Statements)
                await TableAccess.ExecuteAsync(_connection, statement.Sql, cancel);
            return;
        }
        await TableAccess.ExecuteAsync(_connection, $"LOCK TABLE {SqlText.Identifier(name)} IN ACCESS EXCLUSIVE MODE", cancel);
        var existing = await DefinitionReader.ReadAsync(_connection, oid, cancel);
        if (definition.FirstDifference(existing) is { } difference)
        {
            throw new SqlException(new ServerError(SqlStates.DuplicateTable, $"table {name} exists on shard \"{_shard.Name}\" already and is made differently there")
            {
                Detail = $"The home shard has: {difference.Here ?? "nothing"}; shard \"{_shard.Name}\" has: {difference.There ?? "nothing"}.",
                Hint = "Drop the table on that shard.",
            });
        }
        if (!mayHaveRows && await TableAccess.HasRowsAsync(_connection, name, cancel))
        {
            throw new SqlException(
                SqlStates.FeatureNotSupported, $"table {name} has rows on shard \"{_shard.Name}\" already", "Empty the table on that shard.");
        }
    }
}
