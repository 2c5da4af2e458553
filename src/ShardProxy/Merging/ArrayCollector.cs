using System.Buffers.Binary;
using System.Collections.Immutable;
using ShardProxy.Merging.Rows;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;

namespace ShardProxy.Merging;

/// <summary>
/// Merged rows turned on their side: a binary array for each column, as parameters of a <see cref="FinishSpec"/>'s
/// statement. The layout is array_recv's: dimensions, whether there are nulls, the element type; length and lower bound;
/// the elements.
/// </summary>
public sealed class ArrayCollector
{
    private const int HeaderLength = 12;
    private const int DimensionLength = 8;

    private readonly ByteBuffer[] _arrays;
    private readonly bool[] _hasNull;
    private readonly ImmutableArray<RowColumn> _columns;
    private readonly FieldLocator _locator;
    private readonly Field[] _fields;
    private readonly MemoryBudget _budget;
    private int _rowCount;
    private bool _isComplete;

    /// <param name="columns">Of the merged rows; all hidden, so that the values are binary.</param>
    public ArrayCollector(ImmutableArray<RowColumn> columns, MergeBinding binding)
    {
        _columns = columns;
        _budget = new MemoryBudget(binding.MaxBytes);
        _arrays = new ByteBuffer[columns.Length];
        _hasNull = new bool[columns.Length];
        _fields = new Field[columns.Length];
        var all = new int[columns.Length];
        for (var i = 0; i < all.Length; i++)
        {
            all[i] = i;
            _arrays[i] = new ByteBuffer();
            _arrays[i].GetSpan(HeaderLength + DimensionLength);
            _arrays[i].Advance(HeaderLength + DimensionLength);
        }
        _locator = new FieldLocator(all);
    }

    public int Count => _arrays.Length;

    internal void Add(ReadOnlySpan<byte> frame)
    {
        if (_isComplete)
            throw new InvalidOperationException("The arrays were read already.");
        _budget.Charge(frame.Length);
        _locator.Locate(frame, _fields);
        for (var i = 0; i < _fields.Length; i++)
        {
            var field = _fields[i];
            _hasNull[i] |= field.IsNull;
            _arrays[i].Write(frame.Slice(field.Start - sizeof(int), sizeof(int) + Math.Max(0, field.Length)));
        }
        _rowCount++;
    }

    /// <summary>The value of the array of column <paramref name="column"/>; no row can be added after this. Valid as long as the collector.</summary>
    public ReadOnlySpan<byte> Array(int column)
    {
        _isComplete = true;
        var array = _arrays[column].UnreadMutable;
        BinaryPrimitives.WriteInt32BigEndian(array, _rowCount == 0 ? 0 : 1);
        BinaryPrimitives.WriteInt32BigEndian(array[4..], _hasNull[column] ? 1 : 0);
        BinaryPrimitives.WriteUInt32BigEndian(array[8..], _columns[column].Type);
        if (_rowCount == 0)
            return array[..HeaderLength];
        BinaryPrimitives.WriteInt32BigEndian(array[HeaderLength..], _rowCount);
        BinaryPrimitives.WriteInt32BigEndian(array[(HeaderLength + sizeof(int))..], 1);
        return array;
    }
}
