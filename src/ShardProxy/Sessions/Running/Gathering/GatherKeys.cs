using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Gathering;
using ShardProxy.Pooling;
using ShardProxy.Protocol.Conversation;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>Reads the keys by which later reads are cut down, where the earlier ones have been brought to, and writes them as conditions.</summary>
internal sealed class GatherKeys(Session session, GatherRun run, GatherParameters? parameters)
{
    /// <summary>Keys that a list may have: a list of more costs a shard more to look through than it spares.</summary>
    private const int MostKeys = 50_000;

    // Bytes of a list that is worth its way whatever is left out by it.
    private const long SmallList = 4 * 1024;

    private const long LargestList = 1024 * 1024;

    // Bytes of rows among which keys are looked for: to tell more of them apart takes the time that it could save.
    private const long LargestSource = 16 * 1024 * 1024;

    // A list beyond this is a table to the shard's planner, and not a condition with a constant.
    private const int LongList = 4 * 1024;

    /// <param name="steps">The reads of the next wave.</param>
    /// <param name="sizes">Of each read's table on one shard, in bytes.</param>
    /// <param name="bytesOf">What a read has brought together.</param>
    public async ValueTask RestrictAsync(ServerConnection server, IReadOnlyList<ReadStep> steps, IReadOnlyList<long> sizes, Func<int, long> bytesOf)
    {
        await SendListsAsync(server, steps, sizes, bytesOf);
        // A source stands before what it cuts down, so its own conditions are all there.
        foreach (var link in steps.SelectMany(static step => step.WithinShard))
            run.Restrict(link.Read, $"(gathered.{Identifiers.QuoteAlways(link.Column)} OPERATOR(pg_catalog.=) ANY ({run.Values(link.Source.Read, link.Source.Column)}))");
    }

    private async ValueTask SendListsAsync(ServerConnection server, IReadOnlyList<ReadStep> steps, IReadOnlyList<long> sizes, Func<int, long> bytesOf)
    {
        var links = steps.SelectMany(static step => step.Links).Where(link => Source(link.Source) is not null && IsCheap(link.Source, bytesOf)).ToList();
        if (links.Count == 0)
            return;
        var sources = links.Select(static link => link.Source).DistinctBy(static source => source.Key).ToList();
        foreach (var source in sources)
            server.SendQuery(GatherScript.Keys(Source(source)!, source.Column, Conditions(source), MostKeys), Disposition.Swallow);
        var tap = new GatherTap();
        await session.DrainAsync(server, tap);
        if (session.Relay.SwallowedError is { } error)
            throw new SqlErrorException(error with { Position = null });
        foreach (var link in links)
        {
            var keys = tap.Values[sources.FindIndex(source => source.Key == link.Source.Key)];
            // Beyond a part of the table itself the list could cost more than it spares.
            if (keys is not null && keys.Length <= (run.Plan.Reads[link.Read].Lock is null ? Math.Min(LargestList, Math.Max(SmallList, sizes[link.Read] / 4)) : LargestList))
                run.Restrict(link.Read, Condition(link, Encoding.UTF8.GetString(keys)));
        }
    }

    private static string Condition(KeyLink link, string keys)
    {
        var list = $"CAST({Identifiers.Literal(keys)} AS pg_catalog.{ParameterText.NameOf(link.Type)}[])";
        return $"(gathered.{Identifiers.QuoteAlways(link.Column)} OPERATOR(pg_catalog.=) ANY ({(keys.Length > LongList ? $"SELECT pg_catalog.unnest({list})" : list)}))";
    }

    private string? Source(KeySource source) => source.Read >= 0 ? run.Table(source.Read) : source.Table is { } table ? GatherScript.Name(table) : null;

    private static bool IsCheap(KeySource source, Func<int, long> bytesOf) => source.Read < 0 || bytesOf(source.Read) <= LargestSource;

    private IEnumerable<string> Conditions(KeySource source) => source.Conditions
        .Select(condition => condition.Render(number => parameters?.ValueOf(number)))
        .OfType<string>()
        .Concat(source.Links.Select(link =>
            $"(gathered.{Identifiers.QuoteAlways(link.Column)} OPERATOR(pg_catalog.=) ANY ({GatherScript.Select(Source(link.Source)!, link.Source.Column, Conditions(link.Source))}))"));
}
