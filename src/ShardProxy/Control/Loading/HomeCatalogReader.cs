using Npgsql;
using ShardProxy.Catalog;
using ShardProxy.Directory;

namespace ShardProxy.Control.Loading;

/// <summary>Reads the home shard's catalog in one round trip.</summary>
internal static class HomeCatalogReader
{
    /// <summary>Adds the queries to a batch; <see cref="ReadAsync"/> reads their results in the same order.</summary>
    public static void AddTo(NpgsqlBatch batch, IEnumerable<QualifiedName> declared)
    {
        ReadOnlySpan<string> queries =
        [
            CatalogQueries.Schemas, CatalogQueries.Domains, CatalogQueries.Columns, CatalogQueries.Relations,
            CatalogQueries.Functions, CatalogQueries.UniqueKeys, CatalogQueries.GlobalIndexes, CatalogQueries.ForeignKeys,
        ];
        foreach (var query in queries)
            batch.BatchCommands.Add(new NpgsqlBatchCommand(query));
        ShardObjectsReader.AddTo(batch, declared);
    }

    public static async Task<HomeCatalog> ReadAsync(NpgsqlDataReader reader, CancellationToken cancel)
    {
        using var fingerprint = new Fingerprint();
        var rows = new CatalogRows(reader, fingerprint);
        var schemas = new List<string>();
        while (await rows.ReadAsync(cancel))
            schemas.Add(rows.Text(0));
        await rows.NextAsync(cancel);
        var domains = await ReadDomainsAsync(rows, cancel);
        await rows.NextAsync(cancel);
        var columns = await ReadColumnsAsync(rows, domains, cancel);
        await rows.NextAsync(cancel);
        var relations = await ReadRelationsAsync(rows, columns, cancel);
        await rows.NextAsync(cancel);
        var functions = await ReadFunctionsAsync(rows, cancel);
        await rows.NextAsync(cancel);
        var uniqueKeys = new List<UniqueKey>();
        while (await rows.ReadAsync(cancel))
            uniqueKeys.Add(new UniqueKey(rows.Oid(0), rows.Text(1), rows.Shorts(2)) { IsPrimary = rows.Bool(3) });
        await rows.NextAsync(cancel);
        GlobalIndexes.Attach(relations, uniqueKeys, await ReadGlobalIndexesAsync(rows, cancel));
        await rows.NextAsync(cancel);
        var foreignKeys = new List<ForeignKey>();
        while (await rows.ReadAsync(cancel))
            foreignKeys.Add(new ForeignKey(rows.Oid(0), rows.Oid(1), rows.Text(2), rows.Shorts(3), rows.Shorts(4)) { Acts = rows.Bool(5) });
        GlobalIndexes.Follow(relations, foreignKeys);
        await rows.NextAsync(cancel);
        var objects = await ShardObjectsReader.ReadAsync(reader, cancel);
        return new HomeCatalog(
            schemas, TriggerRollUp.Apply(relations), functions, uniqueKeys, foreignKeys, objects, fingerprint.Finish());
    }

    private static async Task<List<(uint Table, string Arguments, bool IsInternal)>> ReadGlobalIndexesAsync(CatalogRows rows, CancellationToken cancel)
    {
        var indexes = new List<(uint, string, bool)>();
        while (await rows.ReadAsync(cancel))
            indexes.Add((rows.Oid(0), rows.Text(1), rows.Bool(2)));
        return indexes;
    }

    private static async Task<DomainTypes> ReadDomainsAsync(CatalogRows rows, CancellationToken cancel)
    {
        var domains = new DomainTypes();
        while (await rows.ReadAsync(cancel))
            domains.Add(rows.Oid(0), rows.Oid(1), rows.Int(2), rows.Bool(3));
        return domains;
    }

    private static async Task<Dictionary<uint, List<Column>>> ReadColumnsAsync(CatalogRows rows, DomainTypes domains, CancellationToken cancel)
    {
        var columns = new Dictionary<uint, List<Column>>();
        while (await rows.ReadAsync(cancel))
        {
            var relation = rows.Oid(0);
            var (type, modifier, domainNotNull) = domains.Resolve(rows.Oid(3), rows.Int(4));
            var column = new Column(
                string.Intern(rows.Text(1)), rows.Short(2), type, modifier, rows.Bool(5) | domainNotNull, rows.Bool(6), rows.Bool(7), rows.Bool(9))
            {
                IsIdentity = rows.Bool(8),
                Default = rows.OptionalText(10),
                OrdersByBytes = rows.Bool(11),
                IsIdentityAlways = rows.Bool(12),
                Sequence = rows.Oid(13),
                HasBinaryForm = rows.Bool(14),
                HasOwnCollation = rows.Bool(15),
                IsDomain = type != rows.Oid(3),
            };
            if (!columns.TryGetValue(relation, out var list))
                columns.Add(relation, list = []);
            list.Add(column);
        }
        return columns;
    }

    private static async Task<List<Relation>> ReadRelationsAsync(
        CatalogRows rows, Dictionary<uint, List<Column>> columns, CancellationToken cancel)
    {
        var relations = new List<Relation>();
        while (await rows.ReadAsync(cancel))
        {
            var oid = rows.Oid(0);
            var name = new QualifiedName(string.Intern(rows.Text(1)), rows.Text(2));
            var kind = KindOf(rows.Text(3));
            var view = rows.OptionalText(4);
            var hasTriggers = rows.Bool(5);
            var parent = OptionalName(rows, 6);
            var table = OptionalName(rows, 8);
            var actsOnStatements = rows.Bool(10);
            IReadOnlyList<Column> own = columns.TryGetValue(oid, out var list) ? list : [];
            relations.Add(new Relation(name, oid, kind, own, view, parent)
            {
                HasTriggers = hasTriggers,
                ActsOnStatements = actsOnStatements,
                Table = table,
                HasRowSecurity = rows.Bool(11),
                InsertTriggers = BodiesOf(rows.OptionalText(12)),
            });
        }
        return relations;
    }

    private static async Task<IReadOnlyList<FunctionInfo>> ReadFunctionsAsync(CatalogRows rows, CancellationToken cancel)
    {
        var functions = new FunctionFolding();
        while (await rows.ReadAsync(cancel))
        {
            var volatility = rows.Text(2) switch
            {
                "i" => FunctionVolatility.Immutable,
                "s" => FunctionVolatility.Stable,
                _ => FunctionVolatility.Volatile,
            };
            functions.Add(new FunctionInfo(new QualifiedName(rows.Text(0), rows.Text(1)), volatility, rows.Text(3), rows.OptionalText(4))
            {
                Key = FunctionKeyOf(rows),
            });
        }
        return functions.ToList();
    }

    private static string?[] BodiesOf(string? list) => list is null
        ? []
        : [.. list.Split(',').Select(static hex => hex.Length == 0 ? null : System.Text.Encoding.UTF8.GetString(Convert.FromHexString(hex)))];

    private static FunctionKey? FunctionKeyOf(CatalogRows rows)
    {
        var (position, type, name, table) = (rows.OptionalInt(5), rows.Oid(6), rows.OptionalText(7), rows.OptionalText(8));
        return position is null || table is null ? null : new FunctionKey(position.Value, type, name, table);
    }

    private static QualifiedName? OptionalName(CatalogRows rows, int column)
    {
        var schema = rows.OptionalText(column);
        var name = rows.OptionalText(column + 1);
        return schema is null ? null : new QualifiedName(schema, name!);
    }

    private static RelationKind KindOf(string relkind) => relkind switch
    {
        "r" => RelationKind.Table,
        "p" => RelationKind.PartitionedTable,
        "v" => RelationKind.View,
        "m" => RelationKind.MaterializedView,
        "f" => RelationKind.ForeignTable,
        "S" => RelationKind.Sequence,
        "c" => RelationKind.Composite,
        "i" or "I" => RelationKind.Index,
        _ => throw new InvalidOperationException($"The query lets no relkind {relkind} through."),
    };
}
