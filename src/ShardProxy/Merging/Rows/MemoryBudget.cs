using System.Globalization;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Merging.Rows;

/// <summary>The bytes that one merge keeps, and their limit.</summary>
internal sealed class MemoryBudget(long limit)
{
    public long Used { get; private set; }

    public void Charge(long bytes)
    {
        Used += bytes;
        if (Used > limit)
        {
            throw new MergeException(
                SqlStates.ProgramLimitExceeded,
                string.Create(CultureInfo.InvariantCulture, $"merging the shards' rows takes more than {limit} bytes"),
                "Let the statement give fewer groups or rows, or raise limits.merge_bytes.");
        }
    }

    public void Release(long bytes) => Used -= bytes;
}
