using System.Buffers.Binary;

namespace ShardProxy.Protocol.Framing;

/// <summary>
/// The values of a Bind, a FunctionCall or a DataRow: each an Int32 length (-1 is null) and that many bytes. Reading in
/// ascending order costs one step a value; going back starts over from the first. Built only over bytes that
/// <see cref="TryMeasure"/> has found sound.
/// </summary>
public ref struct ValueCursor
{
    private readonly ReadOnlySpan<byte> _values;
    private int _index;
    private int _offset;

    internal ValueCursor(ReadOnlySpan<byte> values, int count)
    {
        _values = values;
        Count = count;
    }

    public int Count { get; }

    /// <summary>False when <paramref name="index"/> is not below <see cref="Count"/>.</summary>
    public bool TryGet(int index, out ReadOnlySpan<byte> value, out bool isNull)
    {
        if ((uint)index >= (uint)Count)
        {
            value = default;
            isNull = false;
            return false;
        }
        if (index < _index)
            _index = _offset = 0;
        while (_index < index)
        {
            _offset += sizeof(int) + Math.Max(0, BinaryPrimitives.ReadInt32BigEndian(_values[_offset..]));
            _index++;
        }
        var length = BinaryPrimitives.ReadInt32BigEndian(_values[_offset..]);
        isNull = length < 0;
        value = isNull ? default : _values.Slice(_offset + sizeof(int), length);
        return true;
    }

    /// <summary>Bytes that <paramref name="count"/> values take at the front of <paramref name="data"/>; false when they do not fit or a length is below -1.</summary>
    internal static bool TryMeasure(ReadOnlySpan<byte> data, int count, out int length)
    {
        length = 0;
        for (var i = 0; i < count; i++)
        {
            if (!BinaryPrimitives.TryReadInt32BigEndian(data[length..], out var size) || size < -1)
                return false;
            length += sizeof(int);
            if (size > data.Length - length)
                return false;
            length += Math.Max(0, size);
        }
        return true;
    }
}
