using ShardProxy.Sessions.Running.Gathering;

namespace ShardProxy.Sessions.Running.Explaining;

/// <summary>The plan of a gather: what is read of each table on each shard, and the statement over it.</summary>
internal static class GatherExplain
{
    private const int LongestQuery = 8192;

    /// <param name="reads">For each read the plans of the shards that are asked for it.</param>
    /// <param name="answer">The home shard's plan of the statement.</param>
    public static ExplainNode Node(Database database, GatherRun run, List<(int Shard, IReadOnlyList<string> Plan)[]> reads, IReadOnlyList<string> answer)
    {
        var root = new ExplainNode("Gather").Add(run.Shard == Database.Beside ? "On Server" : "On Shard", database.ShardName(run.Shard));
        for (var index = 0; index < reads.Count; index++)
        {
            var read = run.Plan.Reads[index];
            var node = new ExplainNode(read.Pushed is null ? "Read of Table" : "Read of Subquery").Add("Table", read.Table.ToString()).Add("Into", run.Table(index)).Add("Statement", Shortened(run.Query(index)));
            var time = run.Measures.FirstOrDefault(measure => measure.Read == index && measure.Shard != run.Shard)?.Time;
            if (time is { } took)
                node.Add("Actual Total Time", took.TotalMilliseconds);
            foreach (var (shard, plan) in reads[index])
            {
                var child = new ExplainNode("Shard") { ServerPlan = plan }.Add("Shard", database.ShardName(shard));
                if (run.Measures.Find(measure => measure.Read == index && measure.Shard == shard) is { } measured)
                    child.Add("Rows", measured.Rows).Add("Bytes", measured.Bytes);
                node.Children.Add(child);
            }
            root.Children.Add(node);
        }
        root.Children.Add(new ExplainNode("Statement over Gathered Rows") { ServerPlan = answer });
        return root;
    }

    // Lists of keys can be long.
    private static string Shortened(string query) => query.Length <= LongestQuery ? query : $"{query[..LongestQuery]} …";
}
