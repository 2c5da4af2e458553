using ShardProxy.Planning.Gathering;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>What a view does for its reader and its query in the statement's text does not: it has rights of its own.</summary>
internal static class GatherRights
{
    /// <summary>Numbers that <see cref="GatherScript.Rights"/> asks for.</summary>
    public static int Count(GatherPlan plan) => plan.Extends ? plan.Views.Length + (2 * plan.Reads.Length) : plan.Views.IsEmpty ? 0 : plan.Views.Length + plan.Reads.Length;

    /// <param name="tap">Has heard the answer to <see cref="GatherScript.Rights"/> first.</param>
    public static void Check(GatherPlan plan, GatherTap tap)
    {
        for (var index = 0; index < plan.Views.Length; index++)
        {
            if (tap.Number(index) == 0)
                throw new SqlErrorException(SqlStates.InsufficientPrivilege, $"permission denied for view {plan.Views[index].Name}");
        }
        for (var index = 0; index < plan.Reads.Length && plan.Extends; index++)
        {
            // Columns that the transaction itself has added or dropped.
            if (tap.Number(plan.Reads.Length + plan.Views.Length + index) != plan.Reads[index].Columns.Length)
            {
                throw new SqlErrorException(
                    SqlStates.FeatureNotSupported,
                    $"the columns of \"{plan.Reads[index].Table.Name}\" have changed in this transaction, and are not known before its COMMIT",
                    "Commit first, and fill the materialized view in another transaction.");
            }
        }
        for (var index = 0; index < plan.Reads.Length && (!plan.Views.IsEmpty || plan.Extends); index++)
        {
            if (tap.Number(plan.Views.Length + index) == 0)
                continue;
            if (plan.Extends)
            {
                throw new SqlErrorException(
                    SqlStates.FeatureNotSupported,
                    $"a materialized view of \"{plan.Reads[index].Table.Name}\", which has row security, cannot be filled from several shards",
                    "Use CREATE TABLE … AS, and again when it is to be fresh.");
            }
            throw new SqlErrorException(
                SqlStates.FeatureNotSupported,
                $"the view \"{plan.Views[0].Name}\" reads \"{plan.Reads[index].Table.Name}\", whose row security would be that of the reader and not of the view's owner",
                "Read the table itself, or confine the statement to one shard by the key.");
        }
    }
}
