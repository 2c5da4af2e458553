using System.Buffers.Binary;
using System.Collections.Immutable;
using ShardProxy.Merging.Rows;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Merging;

/// <summary>
/// Puts the rows of several shards together as a <see cref="MergeSpec"/> says. <see cref="Pump"/> does what can be done
/// without waiting and says what it waits for; whoever runs it owns the waiting, the connections and the errors.
/// </summary>
public sealed class RowMerge
{
    private readonly IRowSource _rows;
    private readonly int _visibleCount;
    private readonly bool _hidesColumns;

    /// <param name="sources">One for each shard that takes part, in any order; no row was pulled from them yet.</param>
    public RowMerge(MergeSpec spec, MergeBinding binding, IReadOnlyList<IRowSource> sources)
    {
        ArgumentOutOfRangeException.ThrowIfZero(sources.Count, nameof(sources));
        Columns = MergeSteps.ColumnsOf(spec);
        _visibleCount = spec.VisibleCount;
        _hidesColumns = _visibleCount < Columns.Length;
        _rows = MergeSteps.Build(spec, binding, sources);
    }

    /// <summary>The columns of the merged rows, the hidden ones too.</summary>
    public ImmutableArray<RowColumn> Columns { get; }

    /// <summary>Rows written so far: the number in the command tag.</summary>
    public long RowCount { get; private set; }

    public bool IsDone { get; private set; }

    /// <param name="output">Rows are appended as whole DataRow messages.</param>
    /// <param name="highWater">Bytes in <paramref name="output"/> from which no row is added.</param>
    /// <param name="maxRows">Rows to add at most, as in Execute; 0 for all.</param>
    public MergeState Pump(ByteBuffer output, int highWater, long maxRows = 0)
    {
        var last = maxRows > 0 ? RowCount + maxRows : long.MaxValue;
        while (!IsDone)
        {
            if (RowCount == last)
                return MergeState.Suspended;
            if (output.Count >= highWater)
                return MergeState.WantRoom;
            switch (_rows.TryNext())
            {
                case RowState.Pending:
                    return MergeState.WantRows;
                case RowState.End:
                    IsDone = true;
                    break;
                default:
                    WriteRow(_rows.Frame, output);
                    RowCount++;
                    break;
            }
        }
        return MergeState.Done;
    }

    /// <summary>As <see cref="Pump"/>, into arrays for a <see cref="FinishSpec"/>.</summary>
    public MergeState Collect(ArrayCollector arrays)
    {
        while (!IsDone)
        {
            switch (_rows.TryNext())
            {
                case RowState.Pending:
                    return MergeState.WantRows;
                case RowState.End:
                    IsDone = true;
                    break;
                default:
                    arrays.Add(_rows.Frame);
                    RowCount++;
                    break;
            }
        }
        return MergeState.Done;
    }

    private void WriteRow(ReadOnlySpan<byte> frame, ByteBuffer output)
    {
        if (!_hidesColumns)
        {
            output.Write(frame);
            return;
        }
        var length = FieldLocator.EndOf(frame, _visibleCount);
        var to = output.GetSpan(length);
        frame[..length].CopyTo(to);
        BinaryPrimitives.WriteInt32BigEndian(to[1..], length - 1);
        BinaryPrimitives.WriteUInt16BigEndian(to[Frame.HeaderLength..], (ushort)_visibleCount);
        output.Advance(length);
    }
}
