using System.Text;
using ShardProxy.Planning;
using ShardProxy.Planning.Merging;

namespace ShardProxy.Sessions.Spreading;

/// <summary>A spread plan whose types a shard has told.</summary>
/// <param name="ShardText">What each shard gets.</param>
/// <param name="Spec">Null: the rows are passed on as they come.</param>
public sealed record SpreadShape(string ShardText, MergeSpec? Spec)
{
    /// <param name="sql">The client's statement, without parameters.</param>
    /// <exception cref="NotMergeableException"/>
    public static async ValueTask<SpreadShape> AskAsync(Session session, SpreadPlan plan, int shard, byte[] sql)
    {
        // The client's text is judged as it stands, so that errors are told in its terms.
        await ShardDescription.AskAsync(session, shard, sql, []);
        if (plan.Merge is not { } draft)
            return new SpreadShape(Encoding.UTF8.GetString(sql), null);
        var types = (await ShardDescription.AskAsync(session, shard, Encoding.UTF8.GetBytes(draft.Probe), [])).ColumnTypes;
        var (text, spec) = draft is GroupDraft group
            ? group.Complete(types, 0) is { } shape ? (shape.ShardText, shape.Spec) : (null, null)
            : (draft.Probe, draft.SpecOf(types, 0));
        return text is not null && SpreadRunner.IsMergeable(session, spec) ? new SpreadShape(text, spec) : throw new NotMergeableException();
    }
}
