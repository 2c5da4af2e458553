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
    /// <returns>Waves, one after the other; the reads of a wave are done together.</returns>
    public static ImmutableArray<ImmutableArray<ReadStep>> Of(
        GatherPlan plan, IReadOnlyList<long> sizes, IReadOnlyDictionary<Directory.QualifiedName, long> tableSizes, int shards, long from)
    {
        var order = Enumerable.Range(0, plan.Reads.Length).OrderBy(read => sizes[read] / (IsFiltered(read) ? FilterFactor : 1)).ToList();
        var waves = new int[plan.Reads.Length];
        var steps = new ReadStep[plan.Reads.Length];
        for (var position = 0; position < order.Count; position++)
        {
            var read = order[position];
            var links = sizes[read] < from ? [] : plan.Links.Where(link => link.Read == read && IsPromising(link, position)).ToImmutableArray();
            steps[read] = new ReadStep(read, links);
            waves[read] = links.IsEmpty ? 0 : links.Max(link => link.Source.Read < 0 ? 1 : waves[link.Source.Read] + 1);
        }
        return [.. steps.GroupBy(step => waves[step.Read]).OrderBy(static wave => wave.Key).Select(static wave => wave.ToImmutableArray())];

        bool IsFiltered(int read) => !plan.Reads[read].Conditions.IsEmpty;

        bool IsPromising(KeyLink link, int position)
        {
            var source = link.Source;
            if (source.Read >= 0)
                return order.IndexOf(source.Read) < position && (IsFiltered(source.Read) || !steps[source.Read].Links.IsEmpty || sizes[source.Read] * SizeFactor <= sizes[link.Read]);
            var size = tableSizes.GetValueOrDefault(source.Table!.Value);
            var total = sizes[link.Read] * shards;
            return source.IsFiltered ? size / FilterFactor <= total : size * SizeFactor <= total;
        }
    }
}

/// <summary>A read, and by which sources it is to be cut down.</summary>
public sealed record ReadStep(int Read, ImmutableArray<KeyLink> Links);
