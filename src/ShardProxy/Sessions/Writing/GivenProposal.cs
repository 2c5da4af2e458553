using ShardProxy.Planning.Writing;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>The rows of VALUES.</summary>
internal sealed class GivenProposal(WriteJob job, SplitRowsDraft draft) : IProposal
{
    public IReadOnlyList<int> Own { get; } = [.. job.Order!.Select(index => job.Shards[index])];

    public ShardStatement Insert(IReadOnlyList<int> rows) => job.StatementOf(draft, rows);

    public ShardText Text() => new(job.Request, job.Edits, job.Offset);

    public void AddValue(ShardText text, int row, ConflictIndex index, int column)
    {
        if (index.Rows[row][column] is { } stretch)
            text.Add(stretch.Start, stretch.End);
        else
            text.Add(index.Columns[column].Default);
    }
}
