using System.Buffers.Binary;
using ShardProxy.Protocol.Framing;
using ShardProxy.Protocol.Messages;

namespace ShardProxy.Merging.Rows;

/// <summary>Finds certain columns in DataRow messages, with one walk over each and not further than the last of them.</summary>
internal sealed class FieldLocator
{
    /// <summary>The header and the count of columns.</summary>
    public const int FirstField = Frame.HeaderLength + sizeof(short);

    private readonly int[] _ascending;
    private readonly int[] _slots;

    /// <param name="columns">From 0, in any order.</param>
    public FieldLocator(ReadOnlySpan<int> columns)
    {
        _ascending = columns.ToArray();
        _slots = new int[columns.Length];
        for (var i = 0; i < _slots.Length; i++)
            _slots[i] = i;
        Array.Sort(_ascending, _slots);
    }

    public int Count => _slots.Length;

    /// <param name="fields">Receives one entry for each column, in the order in which they were given.</param>
    public void Locate(ReadOnlySpan<byte> frame, Span<Field> fields)
    {
        var at = FirstField;
        var column = 0;
        for (var i = 0; i < _ascending.Length; i++)
        {
            for (; column < _ascending[i]; column++)
                at += sizeof(int) + Math.Max(0, LengthAt(frame, at));
            fields[_slots[i]] = new Field(at + sizeof(int), LengthAt(frame, at));
        }
    }

    /// <summary>Where the value behind the first <paramref name="count"/> ones begins.</summary>
    public static int EndOf(ReadOnlySpan<byte> frame, int count)
    {
        var at = FirstField;
        for (var i = 0; i < count; i++)
            at += sizeof(int) + Math.Max(0, LengthAt(frame, at));
        return at;
    }

    private static int LengthAt(ReadOnlySpan<byte> frame, int at)
    {
        if (at > frame.Length - sizeof(int) || BinaryPrimitives.ReadInt32BigEndian(frame[at..]) is var length && length > frame.Length - at - sizeof(int))
            throw new MergeException(SqlStates.ProtocolViolation, "a shard sent a row that does not fit its description");
        return length;
    }
}
