using System.Collections.Immutable;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Merging.Rows;

/// <summary>Turns some columns of a row into bytes that two rows share exactly if PostgreSQL takes them for equal there, nulls included.</summary>
internal sealed class RowIdentity
{
    private readonly (ValueKind Kind, bool Binary)[] _columns;
    private readonly FieldLocator _locator;
    private readonly Field[] _fields;

    public RowIdentity(ImmutableArray<int> positions, ImmutableArray<RowColumn> columns, MergeBinding binding)
    {
        _columns = new (ValueKind, bool)[positions.Length];
        _fields = new Field[positions.Length];
        for (var i = 0; i < positions.Length; i++)
        {
            var column = columns[positions[i]];
            _columns[i] = (ValueKinds.Of(column.Type), binding.IsBinary(column.ResultColumn));
        }
        _locator = new FieldLocator(positions.AsSpan());
    }

    /// <summary>Appends the row's identity.</summary>
    public void Write(ReadOnlySpan<byte> frame, ByteBuffer to)
    {
        _locator.Locate(frame, _fields);
        for (var i = 0; i < _columns.Length; i++)
        {
            if (_fields[i].IsNull)
                CanonicalValue.WriteNull(to);
            else
                CanonicalValue.Write(_columns[i].Kind, _columns[i].Binary, _fields[i].In(frame), to);
        }
    }
}
