using Npgsql;
using ShardProxy.Catalog;

namespace ShardProxy.Control.Distribution;

/// <summary>Reads a <see cref="TableDefinition"/> inside the caller's transaction.</summary>
internal static class DefinitionReader
{
    public static async Task<TableDefinition> ReadAsync(NpgsqlConnection connection, uint table, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(DefinitionQuery.Sql, connection);
        command.Parameters.Add(Oid(table));
        var statements = new List<DefinitionStatement>();
        await using (var reader = await command.ExecuteReaderAsync(cancel))
        {
            while (await reader.ReadAsync(cancel))
                statements.Add(new DefinitionStatement(reader.GetInt32(0), reader.GetString(1)));
        }
        return new TableDefinition(statements, await ReadSequencesAsync(connection, table, cancel));
    }

    public static async Task<IReadOnlyList<SequenceState>> ReadSequencesAsync(NpgsqlConnection connection, uint table, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(DefinitionQuery.SequenceSql, connection);
        command.Parameters.Add(Oid(table));
        var sequences = new List<SequenceState>();
        await using var reader = await command.ExecuteReaderAsync(cancel);
        while (await reader.ReadAsync(cancel))
        {
            sequences.Add(new SequenceState(
                reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5),
                reader.GetBoolean(6), reader.IsDBNull(7) ? null : reader.GetInt64(7)));
        }
        return sequences;
    }

    private static NpgsqlParameter<uint> Oid(uint value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid };
}
