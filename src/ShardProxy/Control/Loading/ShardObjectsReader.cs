using Npgsql;
using ShardProxy.Directory;

namespace ShardProxy.Control.Loading;

/// <summary>Reads <see cref="ShardObjects"/>: the part of a load that runs on every shard.</summary>
internal static class ShardObjectsReader
{
    /// <summary>Adds the queries to a batch; <see cref="ReadAsync"/> reads their results in the same order.</summary>
    public static void AddTo(NpgsqlBatch batch, IEnumerable<QualifiedName> declared)
    {
        QualifiedName[] tables = [.. declared];
        batch.BatchCommands.Add(new NpgsqlBatchCommand(CatalogQueries.StampSetting));
        ShardNatureReader.AddTo(batch);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(CatalogQueries.Types));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(CatalogQueries.RelationIds));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(CatalogQueries.TableShapes)
        {
            Parameters =
            {
                new NpgsqlParameter<string[]> { TypedValue = [.. tables.Select(static table => table.Schema)] },
                new NpgsqlParameter<string[]> { TypedValue = [.. tables.Select(static table => table.Name)] },
            },
        });
    }

    /// <summary>The reader stands on the first of the results.</summary>
    public static async Task<ShardObjects> ReadAsync(NpgsqlDataReader reader, CancellationToken cancel)
    {
        using var fingerprint = new Fingerprint();
        var rows = new CatalogRows(reader, fingerprint);
        await rows.ReadAsync(cancel);
        // Not part of the fingerprint: a stamp changes nothing that is planned by.
        var stamp = reader.IsDBNull(0) ? null : reader.GetString(0);
        await rows.NextAsync(cancel);
        var nature = await ShardNatureReader.ReadAsync(rows, cancel);
        await rows.NextAsync(cancel);
        var types = new Dictionary<QualifiedName, TypeIds>();
        while (await rows.ReadAsync(cancel))
        {
            var ids = new TypeIds(rows.Oid(0), rows.Oid(3), rows.Oid(4), rows.Oid(5), rows.Text(6)[0], rows.Oid(7));
            types[new QualifiedName(rows.Text(1), rows.Text(2))] = ids;
        }
        await rows.NextAsync(cancel);
        var relations = new Dictionary<QualifiedName, uint>();
        while (await rows.ReadAsync(cancel))
            relations[new QualifiedName(rows.Text(1), rows.Text(2))] = rows.Oid(0);
        await rows.NextAsync(cancel);
        var shapes = new Dictionary<QualifiedName, string>();
        while (await rows.ReadAsync(cancel))
            shapes[new QualifiedName(rows.Text(0), rows.Text(1))] = rows.Text(2);
        return new ShardObjects(types, relations, shapes, stamp, nature, fingerprint.Finish());
    }
}
