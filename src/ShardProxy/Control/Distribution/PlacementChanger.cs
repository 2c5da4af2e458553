using Npgsql;
using ShardProxy.Control.Shards;
using ShardProxy.Directory;
using ShardProxy.Directory.Placements;
using ShardProxy.Planning;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Control.Distribution;

/// <summary>
/// add_shard_range, add_shard_list, add_shard_zone and split_shard_range. None of them moves a row: what is added was held by nothing, and
/// the two parts of a range stay on its shard.
/// </summary>
internal sealed class PlacementChanger(IReadOnlyList<ControlShard> shards, DatabaseDirectory directory)
{
    /// <param name="user">The client's role on the home shard, who must own the table.</param>
    /// <exception cref="SqlException">Refused or failed; nothing is changed.</exception>
    public async Task RunAsync(PlacementPlan plan, IReadOnlyList<string> searchPath, string user, CancellationToken cancel)
    {
        await using var connection = await shards[0].OpenAsync(cancel);
        try
        {
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await TableAccess.SetSearchPathAsync(connection, searchPath, cancel);
            var (oid, table) = await TableDistributor.NameOfAsync(connection, plan.Table, cancel);
            await DistributionChecks.EnsureTableAsync(connection, new DistributionRequest(oid, table, null, null), user, cancel);
            var column = plan.Verb == PlacementVerb.AddZone ? directory.Content.Find(table)?.Distribution.ZoneColumn ?? throw Refuse($"table {table} has no zones") : null;
            var type = await KeyTypeAsync(connection, oid, table, directory.Content, cancel, column);
            await directory.ChangeAsync(content => [Decide(plan, table, type, content)], user, cancel);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            throw shards[0].Explain(exception);
        }
    }

    private DirectoryChange Decide(PlacementPlan plan, QualifiedName table, uint type, DirectoryContent content)
    {
        if (content.Find(table)?.Distribution.Group is not { } name || content.FindGroup(name) is not { } group)
            throw Refuse($"table {table} is not placed by ranges or lists");
        try
        {
            return plan.Verb switch
            {
                PlacementVerb.SplitRange => Split(plan.Text, type, group),
                PlacementVerb.AddZone => AddZone(plan.Text, type, group),
                _ => Add(plan, type, group),
            };
        }
        catch (Exception exception) when (exception is FormatException or PlacementException)
        {
            throw Refuse(exception.Message);
        }
    }

    private PlacementAdded Add(PlacementPlan plan, uint type, KeyGroup group)
    {
        var wanted = plan.Verb == PlacementVerb.AddRange ? PlacementRule.Range : PlacementRule.List;
        if (group.Rule.Strategy != wanted)
            throw new FormatException($"the table is placed by {group.Rule.Strategy}, not by {wanted}");
        if (PlacementText.Parse(plan.Text) is not [var entry])
            throw new FormatException("one range or list is added at a time");
        // Its rows are where the default put them, and would have to move first.
        if (group.Rule is ListRule list && list.Lists.Any(static known => known.Values is null))
            throw new FormatException("the table has a default, which may hold rows with these values; moving rows comes with resharding");
        var assigned = PlacementTargets.Assign([entry], [.. shards.Select(static shard => shard.Name)])[0];
        Ensure(new KeyGroup(group.Name, PlacementRule.Of(wanted, [.. group.Rule.Entries, assigned], static _ => 0)), type);
        return new PlacementAdded(group.Name, assigned);
    }

    private PlacementAdded AddZone(string text, uint type, KeyGroup group)
    {
        if (!group.Rule.HasZones)
            throw new FormatException("the table has no zones");
        if (PlacementText.Parse(text) is not [var entry])
            throw new FormatException("one zone is added at a time");
        entry = ZoneRule.Checked(entry, [.. shards.Select(static shard => shard.Name)]);
        var changed = group.Rule is ZoneRule rule
            ? (PlacementRule)rule.With(entry, static (_, _) => 0)
            : ((LookupRule)group.Rule).With(entry, [], static _ => 0);
        new KeyGroup(group.Name, changed).ForZone(type, out var problem);
        return problem is null ? new PlacementAdded(group.Name, entry) : throw new PlacementException(problem);
    }

    private static RangeSplit Split(string at, uint type, KeyGroup group)
    {
        if (group.Rule is not RangeRule || group.For(type, out var problem) is not RangePlacement placement)
            throw new FormatException($"the table is placed by {group.Rule.Strategy}, not by ranges");
        var image = new ByteBuffer();
        if (KeyImage.TryReadText(new KeyTarget(type, -1, KeyUse.Compare), System.Text.Encoding.UTF8.GetBytes(at), image) != KeyHashResult.Hashed)
            throw new FormatException($"{at} is not a value of the key column's type, written plainly");
        var bucket = placement.Find(image.Unread);
        var range = ((RangeRule)group.Rule).Ranges.FirstOrDefault(candidate => candidate.Bucket == bucket)
            ?? throw new FormatException($"no range holds {at}");
        var split = new RangeSplit(group.Name, range.From, range.To, at);
        Ensure(new KeyGroup(group.Name, new RangeRule([range with { To = at }, new RangeBucket(at, range.To, 0)])), type);
        return split;
    }

    private static void Ensure(KeyGroup changed, uint type)
    {
        changed.For(type, out var problem);
        if (problem is not null)
            throw new PlacementException(problem);
    }

    /// <param name="column">Null for the key column.</param>
    internal static async Task<uint> KeyTypeAsync(
        NpgsqlConnection connection, uint oid, QualifiedName table, DirectoryContent content, CancellationToken cancel, string? column = null)
    {
        // A domain stands for its base type, however deep.
        const string Sql = """
            WITH RECURSIVE base AS (
                SELECT t.oid, t.typtype, t.typbasetype FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
                WHERE a.attrelid = $1 AND a.attname = $2 AND NOT a.attisdropped
                UNION ALL
                SELECT t.oid, t.typtype, t.typbasetype FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd')
            SELECT oid FROM base WHERE typtype <> 'd'
            """;
        if ((column ?? content.Find(table)?.Distribution.KeyColumn) is not { } key)
            throw Refuse($"table {table} is not sharded");
        await using var command = new NpgsqlCommand(Sql, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = oid, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Oid });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        return await command.ExecuteScalarAsync(cancel) is uint type ? type : throw Refuse($"table {table} has no key column \"{key}\"");
    }

    private static SqlException Refuse(string reason) => new(SqlStates.InvalidParameterValue, reason);
}
