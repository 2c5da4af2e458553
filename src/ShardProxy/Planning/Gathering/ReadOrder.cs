using System.Collections.Immutable;

namespace ShardProxy.Planning.Gathering;

/// <summary>
/// In which order the reads of a gather are done, so that what the small ones have found cuts down the large ones. A guess
/// from sizes: it decides what is read and never what the answer is.
/// </summary>
public static class ReadOrder
{
    // What a table's conditions leave of it, for want of anything better.
    private const int FilterFactor = 10;

    // Without conditions all keys of the source have partners, as a rule; a source must then be so much smaller to be worth a try.
    private const int SizeFactor = 10;

    /// <param name="sizes">Of each read's table on one shard, in bytes.</param>
    /// <param name="tableSizes">Of the tables that are sources, in bytes.</param>
    /// <param name="from">Tables smaller than this on a shard are read without ado.</param>
    /// <param name="isOneSnapshot">All reads of a shard see the same rows, so that a shard may look into one table for the rows of another.</param>
    /// <returns>Waves, one after the other; the reads of a wave are done together, and stand in it behind those that they are cut down by.</returns>
    public static ImmutableArray<ImmutableArray<ReadStep>> Of(
        GatherPlan plan, IReadOnlyList<long> sizes, IReadOnlyDictionary<Directory.QualifiedName, long> tableSizes, int shards, long from, bool isOneSnapshot)
    {
        // What is locked comes last: the less of it, the better.
        var order = Enumerable.Range(0, plan.Reads.Length).OrderBy(read => IsLocked(read)).ThenBy(read => sizes[read] / (IsFiltered(read) ? FilterFactor : 1)).ToList();
        var waves = new int[plan.Reads.Length];
        var steps = new ReadStep[plan.Reads.Length];
        for (var position = 0; position < order.Count; position++)
        {
            var read = order[position];
            var links = sizes[read] < from && !IsLocked(read) ? [] : plan.Links.Where(link => link.Read == read && IsPromising(link, position)).ToList();
            steps[read] = new ReadStep(read, [.. links.Where(link => !IsWithin(link))]) { WithinShard = [.. links.Where(IsWithin)] };
            waves[read] = links.Count == 0 ? 0 : links.Max(link => link.Source.Read < 0 ? 1 : waves[link.Source.Read] + (IsWithin(link) ? 0 : 1));
        }
        return [.. order.Select(read => steps[read]).GroupBy(step => waves[step.Read]).OrderBy(static wave => wave.Key).Select(static wave => wave.ToImmutableArray())];

        bool IsLocked(int read) => plan.Reads[read].Lock is not null;

        bool IsFiltered(int read) => plan.Reads[read].Pushed is not null || !plan.Reads[read].Conditions.IsEmpty || plan.Links.Any(link => link.Read == read && link.Source is { Read: < 0, IsFiltered: true });

        bool IsWithin(KeyLink link) => isOneSnapshot && link.IsWithinShard;

        bool IsPromising(KeyLink link, int position)
        {
            var source = link.Source;
            if (source.Read >= 0)
            {
                return order.IndexOf(source.Read) < position
                    && (IsLocked(link.Read) || IsFiltered(source.Read) || steps[source.Read].IsCutDown || (!IsWithin(link) && sizes[source.Read] * SizeFactor <= sizes[link.Read]));
            }
            var size = tableSizes.GetValueOrDefault(source.Table!.Value);
            var total = sizes[link.Read] * shards;
            return IsLocked(link.Read) || (source.IsFiltered ? size / FilterFactor <= total : size * SizeFactor <= total);
        }
    }
}

/// <summary>A read, and by which sources it is to be cut down.</summary>
/// <param name="Links">Whose values are sent to the shards.</param>
public sealed record ReadStep(int Read, ImmutableArray<KeyLink> Links)
{
    /// <summary>Whose values each shard finds by itself.</summary>
    public ImmutableArray<KeyLink> WithinShard { get; init; } = [];

    public bool IsCutDown => !Links.IsEmpty || !WithinShard.IsEmpty;
}
