using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Merging;

namespace ShardProxy.Sessions.Spreading;

/// <summary>A spread plan whose types a shard has told.</summary>
/// <param name="ShardText">What each shard gets.</param>
/// <param name="Spec">Null: the rows are passed on as they come.</param>
/// <param name="ParameterTypes">By the home shard's ids.</param>
public sealed record SpreadShape(string ShardText, MergeSpec? Spec, uint[] ParameterTypes)
{
    /// <param name="sql">The client's statement.</param>
    /// <param name="parameterTypes">All of them, by the home shard's ids.</param>
    /// <exception cref="NotMergeableException"/>
    public static async ValueTask<SpreadShape> AskAsync(Session session, SpreadPlan plan, int shard, byte[] sql, uint[] parameterTypes)
    {
        if (plan.Merge is not { } draft)
            return new SpreadShape(Encoding.UTF8.GetString(sql), null, parameterTypes);
        var types = (await ShardDescription.AskAsync(session, shard, Encoding.UTF8.GetBytes(draft.Probe), parameterTypes)).ColumnTypes;
        var (text, spec) = draft is CombinedDraft group
            ? group.Complete(types, parameterTypes.Length) is { } shape ? (shape.ShardText, shape.Spec) : (null, null)
            : (draft.Probe, draft.SpecOf(types, parameterTypes.Length));
        return text is not null && SpreadRunner.IsMergeable(session, spec) ? new SpreadShape(text, spec, parameterTypes) : throw new NotMergeableException();
    }
}
