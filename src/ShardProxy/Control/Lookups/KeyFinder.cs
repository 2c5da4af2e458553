using Npgsql;
using NpgsqlTypes;
using ShardProxy.Catalog;
using ShardProxy.Control.Distribution;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Control.Lookups;

/// <summary>Asks all shards which of some keys have rows in any table of a colocation group: the truth, whatever the directory remembers.</summary>
internal sealed class KeyFinder(IReadOnlyList<ControlShard> shards)
{
    /// <summary>No shard has a row of the key.</summary>
    public const int Nowhere = -1;

    /// <param name="keys">Images without the byte that tells types apart, all of one family of types.</param>
    /// <returns>By key, the shard that has it.</returns>
    /// <exception cref="SqlException">A shard cannot be asked, or rows of one key stand on several.</exception>
    public async Task<int[]> FindAsync(RoutingState routing, string group, uint type, IReadOnlyList<byte[]> keys, CancellationToken cancel)
    {
        var tables = TablesOf(routing, group, type).ToArray();
        var found = new int[keys.Count];
        Array.Fill(found, Nowhere);
        if (tables.Length == 0)
            return found;
        var answers = await Task.WhenAll(shards.Select(shard => AskAsync(shard, tables, keys, cancel)));
        for (var shard = 0; shard < answers.Length; shard++)
        {
            foreach (var position in answers[shard])
            {
                if (found[position] != Nowhere && found[position] != shard)
                {
                    throw new SqlException(
                        "XX001",
                        $"rows of the key {KeyImageText.Write(type, keys[position])} of the group {group} stand on shard \"{shards[found[position]].Name}\" and on \"{shards[shard].Name}\"",
                        "Bring them together on one shard by hand.");
                }
                found[position] = shard;
            }
        }
        return found;
    }

    /// <summary>Tables of the group, with their key columns, that can have a key of the type's family.</summary>
    public static IEnumerable<(QualifiedName Table, Column Key)> TablesOf(RoutingState routing, string group, uint type) =>
        from table in routing.Directory.Tables.Values
        where table.Group == @group
        let key = routing.Catalog.FindRelation(table.Table)?.FindColumn(table.KeyColumn!)
        where key is not null && FamilyOf(key.TypeOid) == FamilyOf(type)
        orderby table.Table.Schema, table.Table.Name
        select (table.Table, key);

    /// <summary>A parameter with keys as values of an SQL type, and how SQL makes one of them the column's.</summary>
    public static (NpgsqlParameter Parameter, string Expression) ParameterOf(uint type, IReadOnlyList<byte[]> keys, string element) => FamilyOf(type) switch
    {
        TypeOid.Int8 => (
            new NpgsqlParameter { Value = keys.Select(static key => KeyImageText.Integer(key)).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint }, element),
        // The very bytes that the server stores, whatever its encoding.
        TypeOid.Text => (Bytes(keys), $"pg_catalog.convert_from({element}, pg_catalog.getdatabaseencoding()){(type == TypeOid.Bpchar ? "::pg_catalog.bpchar" : "")}"),
        TypeOid.Bytea => (Bytes(keys), element),
        _ => (
            new NpgsqlParameter { Value = keys.Select(key => KeyImageText.Write(type, key)).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
            $"{element}::{NameOf(type)}"),
    };

    /// <summary>The types of the keys of a group's tables.</summary>
    public static IEnumerable<uint> KeyTypesOf(RoutingState routing, string group) =>
        from table in routing.Directory.Tables.Values
        where table.Group == @group
        let key = routing.Catalog.FindRelation(table.Table)?.FindColumn(table.KeyColumn!)
        where key is not null
        select key.TypeOid;

    /// <summary>One key as SQL.</summary>
    public static string LiteralOf(uint type, byte[] key) => FamilyOf(type) switch
    {
        TypeOid.Int8 => $"'{KeyImageText.Integer(key)}'::pg_catalog.int8",
        TypeOid.Text => $"pg_catalog.convert_from('\\x{Convert.ToHexStringLower(key)}'::pg_catalog.bytea, pg_catalog.getdatabaseencoding()){(type == TypeOid.Bpchar ? "::pg_catalog.bpchar" : "")}",
        TypeOid.Bytea => $"'\\x{Convert.ToHexStringLower(key)}'::pg_catalog.bytea",
        _ => $"'{KeyImageText.Write(type, key)}'::{NameOf(type)}",
    };

    private static NpgsqlParameter Bytes(IReadOnlyList<byte[]> keys) => new() { Value = keys.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea };

    private static async Task<HashSet<int>> AskAsync(
        ControlShard shard, (QualifiedName Table, Column Key)[] tables, IReadOnlyList<byte[]> keys, CancellationToken cancel)
    {
        await using var connection = await shard.OpenAsync(cancel);
        try
        {
            await using var batch = new NpgsqlBatch(connection);
            // One implicit transaction, in which a policy hides nothing.
            batch.BatchCommands.Add(new NpgsqlBatchCommand("SET LOCAL row_security = off"));
            foreach (var (table, key) in tables)
            {
                var (parameter, value) = ParameterOf(key.TypeOid, keys, "wanted.key");
                var command = new NpgsqlBatchCommand(
                    $"SELECT wanted.position FROM pg_catalog.unnest($1) WITH ORDINALITY AS wanted (key, position) "
                    + $"WHERE EXISTS (SELECT FROM {SqlText.Identifier(table)} AS held WHERE held.{SqlText.Identifier(key.Name)} = {value})");
                command.Parameters.Add(parameter);
                batch.BatchCommands.Add(command);
            }
            var positions = new HashSet<int>();
            await using var reader = await batch.ExecuteReaderAsync(cancel);
            do
            {
                while (await reader.ReadAsync(cancel))
                    positions.Add((int)reader.GetInt64(0) - 1);
            }
            while (await reader.NextResultAsync(cancel));
            return positions;
        }
        catch (NpgsqlException exception)
        {
            throw shard.Explain(exception);
        }
    }

    private static uint FamilyOf(uint type) => type switch
    {
        TypeOid.Int2 or TypeOid.Int4 or TypeOid.Int8 => TypeOid.Int8,
        TypeOid.Text or TypeOid.Varchar or TypeOid.Bpchar => TypeOid.Text,
        _ => type,
    };

    private static string NameOf(uint type) => type switch
    {
        TypeOid.Numeric => "pg_catalog.numeric",
        TypeOid.Uuid => "pg_catalog.uuid",
        TypeOid.Bool => "pg_catalog.bool",
        TypeOid.Date => "pg_catalog.date",
        TypeOid.Timestamp => "pg_catalog.timestamp",
        _ => "pg_catalog.timestamptz",
    };
}
