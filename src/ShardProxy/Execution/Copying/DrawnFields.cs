using System.Buffers.Binary;
using System.Buffers.Text;
using ShardProxy.Planning;
using ShardProxy.Protocol.Values;

namespace ShardProxy.Execution.Copying;

/// <summary>
/// The fields that a COPY's rows get behind their own: values drawn from sequences, which the session supplies before it
/// feeds the data. Allocates nothing per row.
/// </summary>
/// <param name="types">By field: int2, int4 or int8.</param>
internal sealed class DrawnFields(uint[] types, CopyOptions options)
{
    /// <summary>Digits of the longest bigint, its sign, and a delimiter; or a length and eight bytes.</summary>
    private const int LongestField = 21;

    private readonly Queue<long>[] _values = [.. types.Select(static _ => new Queue<long>())];
    private readonly byte[] _row = new byte[LongestField * types.Length];
    private readonly byte[] _key = new byte[LongestField];

    public int Count => types.Length;

    /// <summary>Values that are there for a field.</summary>
    public int Left(int field) => _values[field].Count;

    public void Supply(int field, ReadOnlySpan<long> values)
    {
        foreach (var value in values)
            _values[field].Enqueue(value);
    }

    /// <summary>No more rows than this end in <paramref name="data"/> and what was held back before it.</summary>
    public int RowsAtMost(ReadOnlySpan<byte> data) => options.Format == CopyFormat.Binary
        ? (data.Length / sizeof(short)) + 1
        : data.Count((byte)'\n') + data.Count((byte)'\r') + 1;

    /// <summary>Takes a row's values: the bytes to stand behind its own fields.</summary>
    /// <param name="keyField">Which of them is the key; negative when none is.</param>
    /// <param name="key">As the key of a row is read: its text, or its binary form.</param>
    public ReadOnlySpan<byte> Take(int keyField, out ReadOnlySpan<byte> key)
    {
        key = default;
        var length = 0;
        for (var field = 0; field < types.Length; field++)
        {
            var value = _values[field].Dequeue();
            var start = length;
            if (options.Format == CopyFormat.Binary)
            {
                length += WriteBinary(value, types[field], _row.AsSpan(length));
                start += sizeof(int);
            }
            else
            {
                _row[length++] = options.Delimiter;
                start++;
                Utf8Formatter.TryFormat(value, _row.AsSpan(length), out var digits);
                length += digits;
            }
            if (field != keyField)
                continue;
            _row.AsSpan(start, length - start).CopyTo(_key);
            key = _key.AsSpan(0, length - start);
        }
        return _row.AsSpan(0, length);
    }

    private static int WriteBinary(long value, uint type, Span<byte> to)
    {
        var size = type switch { TypeOid.Int2 => sizeof(short), TypeOid.Int4 => sizeof(int), _ => sizeof(long) };
        BinaryPrimitives.WriteInt32BigEndian(to, size);
        if (size == sizeof(short))
            BinaryPrimitives.WriteInt16BigEndian(to[sizeof(int)..], (short)value);
        else if (size == sizeof(int))
            BinaryPrimitives.WriteInt32BigEndian(to[sizeof(int)..], (int)value);
        else
            BinaryPrimitives.WriteInt64BigEndian(to[sizeof(int)..], value);
        return sizeof(int) + size;
    }
}
