using ShardProxy.Protocol.Messages;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>Runs a statement on shards and keeps its rows here.</summary>
internal static class RowsOf
{
    /// <returns>The rows, and their columns' types by the home shard's ids.</returns>
    public static async ValueTask<(CollectedValues Rows, uint[] Types)> AllAsync(Session session, IReadOnlyList<int> shards, ShardStatement statement)
    {
        var run = await SpreadRun.StartAsync(session, shards, _ => statement);
        var rows = new CollectedValues(run.Shards, session.Database.Limits.MergeBytes);
        await run.RunToEndAsync(rows);
        return (rows, ShardDescription.TypesOf(run.Description));
    }
}
