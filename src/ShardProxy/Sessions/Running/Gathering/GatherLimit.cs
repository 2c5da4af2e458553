using System.Globalization;
using ShardProxy.Planning.Gathering;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>What one statement may bring together.</summary>
internal static class GatherLimit
{
    /// <param name="bytes">Of rows so far.</param>
    /// <exception cref="SqlErrorException">54000: they are more than gather.max_bytes.</exception>
    public static void Check(Session session, GatherPlan plan, long bytes)
    {
        var limit = session.Database.Config.Gather.MaxBytes;
        if (bytes <= limit)
            return;
        var tables = string.Join(", ", plan.Reads.Select(static read => read.Table.Name).Distinct());
        throw new SqlErrorException(
            SqlStates.ProgramLimitExceeded,
            string.Create(CultureInfo.InvariantCulture, $"the statement needs more than {limit} bytes of rows brought together from {tables}: {bytes} bytes so far"),
            "Add conditions on the tables, confine the statement to one shard by the key, or raise gather.max_bytes.");
    }
}
