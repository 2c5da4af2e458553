using System.Collections.Immutable;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Rows;

/// <summary>Compares rows by an ORDER BY.</summary>
internal sealed class RowOrder
{
    private readonly Key[] _keys;
    private readonly FieldLocator _locator;
    private readonly bool _headIsAll;

    public RowOrder(ImmutableArray<SortKey> keys, ImmutableArray<RowColumn> columns, MergeBinding binding)
    {
        _keys = new Key[keys.Length];
        var positions = new int[keys.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            var column = columns[keys[i].Column];
            _keys[i] = new Key(ValueKinds.Of(column.Type), binding.IsBinary(column.ResultColumn), keys[i].Descending, keys[i].NullsFirst);
            positions[i] = keys[i].Column;
        }
        _locator = new FieldLocator(positions);
        _headIsAll = _keys.Length == 1 && ValuePrefix.IsExact(_keys[0].Kind);
    }

    /// <summary>Fields that <see cref="Locate"/> fills.</summary>
    public int KeyCount => _keys.Length;

    public void Locate(ReadOnlySpan<byte> frame, Span<Field> fields) => _locator.Locate(frame, fields);

    public KeyHead HeadOf(ReadOnlySpan<byte> frame, ReadOnlySpan<Field> fields)
    {
        ref readonly var key = ref _keys[0];
        if (fields[0].IsNull)
            return new KeyHead(key.NullsFirst ? (byte)0 : (byte)2, 0);
        var prefix = ValuePrefix.Of(key.Kind, key.Binary, fields[0].In(frame));
        return new KeyHead(1, key.Descending ? ~prefix : prefix);
    }

    /// <summary>Below 0 when row a comes first; by the heads where they decide.</summary>
    public int Compare(
        in KeyHead headA, ReadOnlySpan<byte> frameA, ReadOnlySpan<Field> fieldsA,
        in KeyHead headB, ReadOnlySpan<byte> frameB, ReadOnlySpan<Field> fieldsB)
    {
        var order = headA.CompareTo(headB);
        return order != 0 || _headIsAll ? order : Compare(frameA, fieldsA, frameB, fieldsB);
    }

    public int Compare(ReadOnlySpan<byte> frameA, ReadOnlySpan<Field> fieldsA, ReadOnlySpan<byte> frameB, ReadOnlySpan<Field> fieldsB)
    {
        for (var i = 0; i < _keys.Length; i++)
        {
            ref readonly var key = ref _keys[i];
            var a = fieldsA[i];
            var b = fieldsB[i];
            if (a.IsNull || b.IsNull)
            {
                if (a.IsNull && b.IsNull)
                    continue;
                return a.IsNull == key.NullsFirst ? -1 : 1;
            }
            var order = ValueComparer.Compare(key.Kind, key.Binary, a.In(frameA), b.In(frameB));
            if (order != 0)
                return key.Descending ? -order : order;
        }
        return 0;
    }

    /// <summary>Whether the heads say all there is to compare.</summary>
    public bool HeadIsAll => _headIsAll;

    private readonly record struct Key(ValueKind Kind, bool Binary, bool Descending, bool NullsFirst);
}
