using ShardProxy.Merging.Rows;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Merging.Aggregates;

/// <summary>
/// One aggregate over all groups: what it knows of each stands in arrays by the group's number, so that a group costs no
/// object.
/// </summary>
internal abstract class Aggregator
{
    /// <summary>Bytes that a group takes, besides what is charged while rows are added.</summary>
    public abstract int BytesPerGroup { get; }

    /// <summary>Makes room for groups below <paramref name="count"/>.</summary>
    public abstract void Reserve(int count);

    /// <summary>The group is as if no row had come: for a group's number that is used again.</summary>
    public abstract void Clear(int group);

    /// <param name="partials">The aggregate's partial values in the row, in the order of its rule.</param>
    public abstract void Add(int group, ReadOnlySpan<byte> frame, ReadOnlySpan<Field> partials);

    /// <summary>Writes the group's value, in the format asked for, as the next value of a row.</summary>
    public abstract void Write(int group, in FrameWriter row, bool binary);
}
