using System.Text.Json;
using System.Text.Json.Serialization;
using ShardProxy.Directory.Lookup;
using ShardProxy.Directory.Placements;

namespace ShardProxy.Directory;

/// <summary>A content as JSON, for stores that keep it whole and for the local copy. Buckets are written as runs of one owner.</summary>
internal static class DirectoryJson
{
    /// <summary>Grows when older proxies could not read what is written.</summary>
    private const int Format = 1;

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string Write(DirectoryContent content) => JsonSerializer.Serialize(
        new Document(
            Format,
            content.Database,
            content.Version,
            content.Revision,
            content.Cluster,
            content.HashBuckets,
            [.. RunsOf(content.ShardOfBucket)],
            [.. content.Tables.Select(static table => new TableEntry(
                table.Name.Schema,
                table.Name.Name,
                table.Distribution.Kind == TableKind.Reference,
                table.Distribution.KeyColumn,
                table.Distribution.Group,
                table.HomeOid,
                table.KeyNumber)
            {
                Zone = table.Distribution.ZoneColumn,
                ZoneNumber = table.Distribution.ZoneColumn is null ? null : table.ZoneNumber,
            })],
            [.. content.Groups.Select(static group => new GroupEntry(group.Name, group.Rule.Strategy, group.Rule.ToText()))])
        {
            Shards = content.Shards.Count == 0 ? null : content.Shards,
            Moves = content.Moves.Count == 0 ? null : content.Moves,
            MoveNumber = content.MoveNumber,
        },
        Options);

    /// <exception cref="DirectoryException">It is not what <see cref="Write"/> makes, or a newer proxy's.</exception>
    public static DirectoryContent Read(string json)
    {
        try
        {
            var document = JsonSerializer.Deserialize<Document>(json, Options) ?? throw new DirectoryException("the directory is empty");
            if (document.Format > Format)
                throw new DirectoryException($"the directory was written by a newer ShardProxy (format {document.Format}, this one knows {Format})");
            return new DirectoryContent(
                document.Database,
                document.Version,
                document.Cluster,
                [.. document.Owners.SelectMany(static run => Enumerable.Repeat(run.Shard, run.Count))],
                document.HashBuckets,
                [.. document.Tables.Select(static table => new DeclaredTable(
                    new TableDistribution(
                        new QualifiedName(table.Schema, table.Name), table.Reference ? TableKind.Reference : TableKind.Sharded, table.Key, table.Group)
                    {
                        ZoneColumn = table.Zone,
                    },
                    table.HomeOid,
                    table.KeyNumber)
                {
                    ZoneNumber = table.ZoneNumber ?? 0,
                })],
                [.. document.Groups.Select(static group => new KeyGroup(group.Name, PlacementRule.Read(group.Strategy, group.Placement)))])
            {
                Revision = document.Revision,
                Shards = document.Shards ?? [],
                Moves = document.Moves ?? [],
                MoveNumber = document.MoveNumber,
            };
        }
        catch (Exception exception) when (exception is JsonException or FormatException or ArgumentException)
        {
            throw new DirectoryException($"the directory cannot be read: {exception.Message}", exception);
        }
    }

    private static IEnumerable<OwnerRun> RunsOf(IReadOnlyList<string> owners)
    {
        var start = 0;
        for (var bucket = 1; bucket <= owners.Count; bucket++)
        {
            if (bucket < owners.Count && owners[bucket] == owners[start])
                continue;
            yield return new OwnerRun(owners[start], bucket - start);
            start = bucket;
        }
    }

    private sealed record Document(
        int Format,
        string Database,
        long Version,
        string Revision,
        string Cluster,
        int HashBuckets,
        IReadOnlyList<OwnerRun> Owners,
        IReadOnlyList<TableEntry> Tables,
        IReadOnlyList<GroupEntry> Groups)
    {
        public IReadOnlyList<JoinedShard>? Shards { get; init; }

        public IReadOnlyList<KeyMove>? Moves { get; init; }

        public long MoveNumber { get; init; }
    }

    private sealed record OwnerRun(string Shard, int Count);

    private sealed record TableEntry(string Schema, string Name, bool Reference, string? Key, string? Group, uint HomeOid, short KeyNumber)
    {
        public string? Zone { get; init; }

        public short? ZoneNumber { get; init; }
    }

    private sealed record GroupEntry(string Name, string Strategy, string Placement);
}
