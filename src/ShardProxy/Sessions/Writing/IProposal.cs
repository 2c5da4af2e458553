using ShardProxy.Planning.Writing;
using ShardProxy.Sessions.Spreading;

namespace ShardProxy.Sessions.Writing;

/// <summary>The rows that an INSERT … ON CONFLICT proposes, as far as it matters where they go.</summary>
internal interface IProposal
{
    /// <summary>For each row the shard of its key.</summary>
    IReadOnlyList<int> Own { get; }

    /// <summary>The client's statement, with no other rows than these, in their order.</summary>
    ShardStatement Insert(IReadOnlyList<int> rows);

    /// <summary>For a statement that computes something of the rows.</summary>
    ShardText Text();

    /// <summary>Adds the value that a row has in a column of an index.</summary>
    void AddValue(ShardText text, int row, ConflictIndex index, int column);
}
